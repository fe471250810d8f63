use oauth_state::VerifiedCallback;

fn main() {}

fn keeps_one_back(bound: &VerifiedCallback<()>) -> VerifiedCallback<()> {
    bound.clone()
}
