use oauth_state::Bound;

fn main() {}

async fn marks_twice(bound: Bound<()>) {
    let _ = bound.mark_used().await;
    let _ = bound.mark_used().await;
}
