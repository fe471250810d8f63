use oauth_state::Bound;

fn main() {}

fn keeps_one_back(bound: &Bound<()>) -> Bound<()> {
    bound.clone()
}
