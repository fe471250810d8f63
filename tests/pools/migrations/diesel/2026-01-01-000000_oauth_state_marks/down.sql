DROP TABLE oauth_state_marks;
