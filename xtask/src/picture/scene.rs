//! What is drawn: a program, what is typed at it, and where it runs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::terminal::Size;
use crate::workspace::run;

/// One picture.
pub(super) struct Scene {
    /// Its file, from the workspace's folder.
    pub(super) file: &'static str,
    pub(super) size: Size,
    /// Variables of the program's environment, as `NAME=VALUE`.
    pub(super) variables: &'static [&'static str],
    /// The program's arguments; `{root}` is the workspace's folder.
    pub(super) arguments: &'static [&'static str],
    /// What is typed, each when the screen rests.
    pub(super) typed: &'static [&'static str],
    /// What the screen shows when all is done.
    pub(super) shows: &'static str,
}

const PROMPT: &str = "What is in this directory?";
const ANSWERED: &str = "A turn of the script answers one request.";
const SMALL: Size = Size::new(20, 96);

/// Every picture there is.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        file: "docs/screen.svg",
        size: Size::new(28, 96),
        variables: &[],
        arguments: &["--cwd", "garden", "--model", "script:../demo.toml"],
        typed: &[PROMPT, "\r"],
        shows: ANSWERED,
    },
    Scene {
        file: "docs/lua/picker.svg",
        size: SMALL,
        variables: &[],
        arguments: &["--cwd", "shed", "--bare", "-e", "{root}/examples/lua/picker.lua"],
        typed: &["srw"],
        shows: "water",
    },
    Scene {
        file: "docs/lua/gitlog.svg",
        size: Size::new(22, 108),
        variables: &[],
        arguments: &["--cwd", "shed", "--bare", "-e", "{root}/examples/lua/gitlog.lua"],
        typed: &["j"],
        shows: "2/3",
    },
    Scene {
        file: "docs/lua/snake.svg",
        size: SMALL,
        variables: &["PURLIN_OPT_SNAKE_SPEED=0", "PURLIN_OPT_SNAKE_SEED=3"],
        arguments: &["--bare", "-e", "{root}/examples/lua/snake.lua"],
        typed: &["\x1b[A", "\x1b[A", "\x1b[D"],
        shows: "●",
    },
    Scene {
        file: "docs/lua/reskin.svg",
        size: Size::new(28, 96),
        variables: &[],
        arguments: &[
            "--cwd",
            "garden",
            "--no-session",
            "--model",
            "script:../demo.toml",
            "-e",
            "{root}/examples/lua/reskin",
        ],
        typed: &[PROMPT, "\r"],
        shows: ANSWERED,
    },
];

/// The commits of the repository: what they say, and what `src/water.rs` holds then.
const COMMITS: &[(&str, &str)] = &[
    (
        "Water the beds",
        "pub fn water(beds: &mut [Bed]) {\n    for bed in beds {\n        bed.water += 1;\n    }\n}\n",
    ),
    (
        "Leave wet beds alone",
        "pub fn water(beds: &mut [Bed]) {\n    for bed in beds.iter_mut().filter(|bed| bed.is_dry()) {\n        bed.water += 1;\n    }\n}\n",
    ),
    (
        "Say how much water it took",
        "/// Waters the dry beds and answers how many there were.\npub fn water(beds: &mut [Bed]) -> usize {\n    let dry = beds.iter_mut().filter(|bed| bed.is_dry());\n    dry.map(|bed| bed.water += 1).count()\n}\n",
    ),
];

/// Makes what the scenes look at: a folder with a few files, a repository of three commits, a scripted model.
pub(super) fn furnish(home: &Path, root: &Path) -> Result<()> {
    let (garden, shed) = (home.join("garden"), home.join("shed"));
    for folder in [&garden, &shed.join("src"), &shed.join("notes")] {
        std::fs::create_dir_all(folder).context("cannot make a home")?;
    }
    for name in ["README.md", "beds.csv", "frost.txt"] {
        std::fs::write(garden.join(name), "")?;
    }
    // Beside the folder that the agent works in, so that its name on the screen is short.
    std::fs::copy(root.join("examples/demo.toml"), home.join("demo.toml"))?;
    std::fs::write(shed.join("notes/frost.md"), "# Frost\n\nNot before October.\n")?;
    std::fs::write(shed.join("src/main.rs"), "fn main() {}\n")?;
    std::fs::write(shed.join("Cargo.toml"), "[package]\nname = \"shed\"\n")?;
    git(&shed, 0, &["init", "--quiet"])?;
    for (day, (subject, source)) in COMMITS.iter().enumerate() {
        std::fs::write(shed.join("src/water.rs"), source)?;
        git(&shed, day, &["add", "--all"])?;
        git(&shed, day, &["commit", "--quiet", "--message", subject])?;
    }
    Ok(())
}

/// Runs git as the same person, on a day that does not change: a picture that is drawn again is the same.
fn git(folder: &Path, day: usize, arguments: &[&str]) -> Result<()> {
    let date = format!("2026-05-{:02}T12:00:00+00:00", day + 1);
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
    for setting in
        ["user.name=Ada", "user.email=ada@example.org", "init.defaultBranch=main", "commit.gpgSign=false"]
    {
        command.args(["-c", setting]);
    }
    run(command.args(arguments))
}
