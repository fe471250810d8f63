use oauth_state::Bound;

fn main() {}

fn reads_the_field(bound: Bound<()>) {
    let _ = bound.finished;
}
