use oauth_state::VerifiedCallback;

fn main() {}

async fn marks_twice(bound: VerifiedCallback<()>) {
    let _ = bound.mark_used().await;
    let _ = bound.mark_used().await;
}
