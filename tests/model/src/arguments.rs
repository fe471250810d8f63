//! The command line.

/// The parsed arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub check: bool,
    pub replay: bool,
    pub variant: Option<String>,
    pub large: bool,
    pub threads: usize,
    pub walks: usize,
    pub out: Option<String>,
}

pub const USAGE: &str = "\
Usage: oauth-state-model [check | replay] [--variant NAME] [--large] [--threads N] [--walks N] [--out DIR]

  check            goes through every state of the design and of each variant, and finds each variant's shortest attack
  replay           takes the crate's own code through every attack, and through random walks of the design
                   (both without either word)

  --variant NAME   this one alone; `design` is one as well, of both models
  --large          wider bounds: minutes, and gigabytes of memory
  --threads N      for the design, 2 unless said otherwise
  --walks N        1,000 unless said otherwise
  --out DIR        writes result.json and the drawings there

Exit code 1 if the design breaks a promise, a variant does not yield its attack, or the crate's own code does other than the model says.
";

impl Arguments {
    /// Parses the arguments. The error says what is wrong with them.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut parsed =
            Self { check: false, replay: false, variant: None, large: false, threads: 2, walks: 1_000, out: None };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} takes a value"));
            match argument.as_str() {
                "check" => parsed.check = true,
                "replay" => parsed.replay = true,
                "--large" => parsed.large = true,
                "--variant" => parsed.variant = Some(value()?),
                "--out" => parsed.out = Some(value()?),
                "--threads" => parsed.threads = number(&value()?)?,
                "--walks" => parsed.walks = number(&value()?)?,
                other => return Err(format!("unknown argument: {other}")),
            }
        }
        if !parsed.check && !parsed.replay {
            (parsed.check, parsed.replay) = (true, true);
        }
        Ok(parsed)
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("not a number above zero: {text}"))
}
