use oauth_state::VerifiedCallback;

fn main() {}

fn reads_the_field(bound: VerifiedCallback<()>) {
    let _ = bound.finished;
}
