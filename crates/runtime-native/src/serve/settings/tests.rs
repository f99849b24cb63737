use super::*;
use crate::serve::flags::parse;

/// Resolves a command line with variables and defaults, in a directory whose newest session is `newest`.
fn settle(
    line: &str,
    variables: &[(&str, &str)],
    defaults: &[(&'static str, &str)],
    newest: Option<&str>,
) -> Result<Settings, Vec<String>> {
    settle_with(FLAGS, line, variables, defaults, newest)
}

fn settle_with(
    flags: &[Flag],
    line: &str,
    variables: &[(&str, &str)],
    defaults: &[(&'static str, &str)],
    newest: Option<&str>,
) -> Result<Settings, Vec<String>> {
    let given = parse(flags, line.split_whitespace().map(Into::into).collect())?;
    let defaults: Vec<_> = defaults.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    resolve(&Sources {
        flags,
        given,
        variable: &variable,
        defaults: &defaults,
        newest: &|| newest.map(str::to_owned),
    })
}

fn settled(line: &str, variables: &[(&str, &str)], defaults: &[(&'static str, &str)]) -> Settings {
    settle(line, variables, defaults, Some("newest")).expect("these settings are right")
}

#[test]
fn row_073_the_command_line_wins_then_the_environment_then_the_program_then_what_is_built_in() {
    let variables = [("RUNTIME_TYPE", "from-variable"), ("NOTEBOOK_ID", "n-variable")];
    let defaults = [("runtime-type", "from-program")];
    let types: Vec<String> = [
        settled("-T=from-line", &variables, &defaults),
        settled("", &variables, &defaults),
        settled("", &[("RUNTIME_TYPE", "")], &defaults),
        settled("", &[], &[]),
    ]
    .into_iter()
    .map(|settings| settings.runtime_type)
    .collect();
    assert_eq!(types, ["from-line", "from-variable", "from-program", "runtime"]);
    assert_eq!(settled("-n line", &variables, &[]).notebook, "line");
    assert_eq!(settled("", &variables, &[]).notebook, "n-variable");
    assert_eq!(settled("", &[], &[]).notebook, "newest");
}

#[test]
fn row_073_what_is_built_in() {
    let settings = settled("", &[], &[]);
    let id = format!("runtime-runtime-{}", std::process::id());
    assert_eq!((settings.runtime_id, settings.client_id), (id, "local".to_owned()));
    assert_eq!(settings.image_artifact_threshold, 6144);
    assert_eq!(settings.heartbeat_interval, Duration::from_secs(15));
    assert_eq!(settings.warnings, Vec::<String>::new());
}

/// The flags and variables of the contract, each way of each.
#[test]
fn row_073_every_value_comes_by_each_of_its_ways() {
    let table: &[(&'static str, Option<char>, &[&str])] = &[
        ("notebook", Some('n'), &["NOTEBOOK_ID"]),
        ("client-id", Some('c'), &[]),
        ("runtime-id", Some('r'), &["RUNTIME_ID"]),
        ("runtime-type", Some('T'), &["RUNTIME_TYPE"]),
        ("auth-token", Some('t'), &["RUNT_API_KEY", "AUTH_TOKEN"]),
        ("image-artifact-threshold", None, &["IMAGE_ARTIFACT_THRESHOLD_BYTES"]),
        ("heartbeat-interval", None, &[]),
        ("runtime-python-path", None, &["RUNTIME_PYTHON_PATH"]),
        ("runtime-env-path", None, &["RUNTIME_ENV_PATH"]),
        ("runtime-package-manager", None, &["RUNTIME_PACKAGE_MANAGER"]),
    ];
    let read = |settings: Settings, name: &str| match name {
        "notebook" => settings.notebook,
        "client-id" => settings.client_id,
        "runtime-id" => settings.runtime_id,
        "runtime-type" => settings.runtime_type,
        "auth-token" => settings.auth_token.map_or_else(String::new, |token| token.reveal().to_owned()),
        "image-artifact-threshold" => settings.image_artifact_threshold.to_string(),
        "heartbeat-interval" => settings.heartbeat_interval.as_millis().to_string(),
        further => settings.value(further).unwrap_or_default().to_owned(),
    };
    for (name, short, variables) in table {
        let default = [(*name, "3333")];
        let all: Vec<(&str, &str)> = variables.iter().map(|variable| (*variable, "2222")).collect();
        let mut lines =
            vec![format!("--{name} 1111"), format!("--{name}=1111"), format!("--{name} 9 --{name} 1111")];
        if let Some(short) = short {
            lines.extend([format!("-{short} 1111"), format!("-{short}=1111"), format!("-{short}1111")]);
        }
        for line in lines {
            assert_eq!(read(settled(&line, &all, &default), name), "1111", "{line}");
        }
        for variable in *variables {
            assert_eq!(read(settled("", &[(*variable, "2222")], &default), name), "2222", "{variable}");
        }
        assert_eq!(read(settled("", &[], &default), name), "3333", "{name}");
    }
    let switch = "runtime-env-externally-managed";
    assert!(settled(&format!("--{switch}"), &[], &[]).has(switch) && !settled("", &[], &[]).has(switch));
    for (value, on) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
        let variables = [("RUNTIME_ENV_EXTERNALLY_MANAGED", value)];
        assert_eq!(settled("", &variables, &[]).has(switch), on, "{value}");
    }
}

#[test]
fn row_073_a_flag_of_the_program_itself_comes_by_the_same_ways() {
    let own = |long, variables, value| Flag { long, short: None, variables, value, help: "" };
    let flags =
        [FLAGS, &[own("word", &["WORD", "OLD_WORD"], Some("WORD")), own("loud", &["LOUD"], None)]].concat();
    let both = [("OLD_WORD", "old"), ("WORD", "new")];
    let default = [("word", "default")];
    let words: Vec<Option<String>> = [
        ("--word line", &both[..], &default[..]),
        ("", &both[..], &default[..]),
        ("", &both[..1], &default[..]),
        ("", &[("WORD", ""), ("OLD_WORD", "old")][..], &[]),
        ("", &[], &default[..]),
        ("", &[], &[]),
    ]
    .into_iter()
    .map(|(line, variables, defaults)| {
        let settings = settle_with(&flags, line, variables, defaults, Some("n")).expect("right");
        assert!(!settings.has("loud"));
        settings.value("word").map(str::to_owned)
    })
    .collect();
    let expected = ["line", "new", "old", "old", "default"].map(|word| Some(word.to_owned()));
    assert_eq!(words[..5], expected);
    assert_eq!(words[5], None);
    let loud = settle_with(&flags, "", &[("LOUD", "1")], &[], Some("n")).expect("right");
    assert!(loud.has("loud"));
    // The token stays where it is.
    let settings = settle_with(&flags, "", &[("AUTH_TOKEN", "hush")], &[], Some("n")).expect("right");
    assert!(settings.value("auth-token").is_none() && !format!("{settings:?}").contains("hush"));
}

#[test]
fn row_074_all_that_is_missing_is_told_at_once_with_flag_and_variable() {
    let problems = settle("--client-id=", &[], &[], None).unwrap_err();
    assert_eq!(
        problems,
        [
            "No session was begun in this directory; a terminal has none before something is sent in it. \
             Send something there, or name a session: `--notebook ID` or the variable `NOTEBOOK_ID`.",
            "The user to act for is missing: `--client-id USER`.",
        ]
    );
    // What a sync server would need is not asked for: there cannot be one.
    let problems =
        settle("--sync-url wss://x --image-artifact-threshold few", &[], &[], Some("n")).unwrap_err();
    assert_eq!(
        problems,
        [
            "`--sync-url` names a sync server, but this version serves the local store only. Leave it out.",
            "`--image-artifact-threshold` is `few`, but must be a whole number, 0 or more.",
        ]
    );
}

#[test]
fn a_sync_server_of_the_environment_is_refused_by_the_name_of_its_variable() {
    let problems = settle("", &[("LIVESTORE_SYNC_URL", "wss://x")], &[], Some("n")).unwrap_err();
    assert!(problems[0].starts_with("`LIVESTORE_SYNC_URL` names a sync server"), "{problems:?}");
}

#[test]
fn row_075_one_variable_of_the_token_beats_the_other() {
    let both = [("AUTH_TOKEN", "second"), ("RUNT_API_KEY", "first")];
    let token = |variables| settled("", variables, &[]).auth_token.map(|token| token.reveal().to_owned());
    assert_eq!(token(&both).as_deref(), Some("first"));
    assert_eq!(token(&both[..1]).as_deref(), Some("second"));
    assert_eq!(token(&[("RUNT_API_KEY", ""), ("AUTH_TOKEN", "second")]).as_deref(), Some("second"));
    // Only on the command line does `@` name a file.
    assert_eq!(token(&[("AUTH_TOKEN", "@second")]).as_deref(), Some("@second"));
}

#[test]
fn row_076_a_bad_threshold_is_an_error_that_names_its_place() {
    for bad in ["-1", "1.5", "many", ""] {
        let problems = settle(&format!("--image-artifact-threshold={bad}"), &[], &[], Some("n")).unwrap_err();
        let expected =
            format!("`--image-artifact-threshold` is `{bad}`, but must be a whole number, 0 or more.");
        assert_eq!(problems, [expected]);
    }
    let problems = settle("", &[("IMAGE_ARTIFACT_THRESHOLD_BYTES", "-5")], &[], Some("n")).unwrap_err();
    assert_eq!(
        problems,
        ["`IMAGE_ARTIFACT_THRESHOLD_BYTES` is `-5`, but must be a whole number, 0 or more."]
    );
    assert_eq!(settled("--image-artifact-threshold 0", &[], &[]).image_artifact_threshold, 0);
}

#[test]
fn the_heartbeat_is_bounded_and_said_to_have_no_effect_here() {
    for bad in ["0", "999", "3600001", "soon"] {
        let problems = settle(&format!("--heartbeat-interval={bad}"), &[], &[], Some("n")).unwrap_err();
        assert_eq!(
            problems,
            [format!("`--heartbeat-interval` is `{bad}`, but must be a whole number from 1000 to 3600000.")]
        );
    }
    let settings = settled("--heartbeat-interval 1000", &[], &[]);
    assert_eq!(settings.heartbeat_interval, Duration::from_secs(1));
    assert!(settings.warnings[0].contains("no effect on the local store"), "{:?}", settings.warnings);
}

#[test]
fn row_080_no_message_repeats_a_token() {
    let settings = settled("--auth-token hush-hush", &[], &[]);
    assert_eq!(settings.auth_token.as_ref().map(Secret::reveal), Some("hush-hush"));
    // The parsed command line keeps what was typed, and must not show it either.
    assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    assert!(settings.warnings[0].contains("RUNT_API_KEY"), "{:?}", settings.warnings);
    assert!(!settings.warnings.concat().contains("hush"));
    let problems = settle("--auth-token=hush-hush -s x -q", &[], &[], None).unwrap_err();
    assert!(!problems.concat().contains("hush"), "{problems:?}");
}

/// What a launcher of this family passes to each of its runtimes.
#[test]
fn what_only_python_has_a_use_for_is_accepted_and_said_once_to_have_no_effect() {
    let launched = "-n n --runtime-python-path /usr/bin/python3 --runtime-env-path=/env \
                    --runtime-package-manager uv --runtime-env-externally-managed";
    let settings = settled(launched, &[], &[]);
    assert_eq!(
        settings.warnings,
        ["`--runtime-python-path`, `--runtime-env-path`, `--runtime-package-manager`, \
          `--runtime-env-externally-managed` have no effect: this runtime runs no Python."]
    );
    // A runtime that does run Python finds them.
    assert_eq!(settings.value("runtime-env-path"), Some("/env"));
    let by_variable = [("RUNTIME_PYTHON_PATH", "python3"), ("RUNTIME_ENV_EXTERNALLY_MANAGED", "0")];
    assert_eq!(
        settled("", &by_variable, &[]).warnings,
        ["`RUNTIME_PYTHON_PATH` has no effect: this runtime runs no Python."]
    );
}

#[test]
fn an_empty_session_is_no_session_rather_than_the_newest_one() {
    for line in ["--notebook=", "-n="] {
        let problems = settle(line, &[("NOTEBOOK_ID", "other")], &[], Some("newest")).unwrap_err();
        assert_eq!(
            problems,
            ["`--notebook` is empty. Leave it out for the newest session of the directory."],
            "{line}"
        );
    }
    assert_eq!(settled("", &[("NOTEBOOK_ID", "")], &[]).notebook, "newest");
}
