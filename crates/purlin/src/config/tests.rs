use super::*;

fn parse(text: &str) -> Result<Loaded, Report> {
    let mut loaded = Loaded::default();
    let path = Path::new("/c/config.toml");
    loaded.take(file::parse(path, text)?, path, true);
    Ok(loaded)
}

fn error(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn every_declared_setting_arrives() {
    for declared in DECLARED {
        let value = match declared.shape {
            Shape::Text => "\"x\"".to_owned(),
            Shape::Choice(words) => format!("\"{}\"", words[words.len() - 1]),
            Shape::Integer(_, most) => most.to_string(),
            Shape::Bool => "false".to_owned(),
            Shape::List => "[\"path:x.lua\"]".to_owned(),
            Shape::Key => "\"/help\"".to_owned(),
            Shape::Any => "{ x = [1, 2.5, 'y'] }".to_owned(),
        };
        let loaded = parse(&format!("{} = {value}", declared.path.replace('*', "some"))).unwrap();
        let changed = loaded.config != Config::default();
        assert!(changed || value == "false", "{} changed nothing", declared.path);
        assert_eq!(loaded.values.len(), 1, "{}", declared.path);
        assert_eq!(loaded.notices, Vec::<String>::new());
    }
}

fn key(target: Option<&str>, keys: &str, command: Option<&str>, line: u32) -> KeySetting {
    KeySetting {
        target: target.map(str::to_owned),
        keys: keys.to_owned(),
        command: command.map(str::to_owned),
        place: Some(("/c/config.toml".to_owned(), line)),
    }
}

#[test]
fn keys_have_targets_and_places_and_can_be_taken_away() {
    let text = "[keys]\n'g g' = 'transcript.top'\n'ctrl+x' = false\n[keys.composer]\n'ctrl+e' = '/help'\n\
                [keys.global]\n'g g' = 'transcript.end'";
    let loaded = parse(text).unwrap();
    let mut keys = loaded.config.keys;
    keys.sort_by(|a, b| a.keys.cmp(&b.keys));
    let expected = [
        key(Some("composer"), "ctrl+e", Some("/help"), 5),
        key(None, "ctrl+x", None, 3),
        key(None, "g g", Some("transcript.end"), 7),
    ];
    assert_eq!(keys, expected);
    assert!(error("[keys]\n'ctrl+x' = true").contains("a command in quotes, or `false`"));
}

#[test]
fn options_of_extensions_are_any_value_and_limits_are_put_in_force() {
    let loaded = parse(
        "[extensions.options.gate]\nmode = 'ask'\nrules = { deny = ['rm'], most = 3 }\n\
         [extensions.limits]\nmain_hard_ms = 40\nmemory_mib = 8",
    )
    .unwrap();
    let option = |name: &str| loaded.config.options[&("gate".to_owned(), name.to_owned())].clone();
    assert_eq!(option("mode"), serde_json::json!("ask"));
    assert_eq!(option("rules"), serde_json::json!({ "deny": ["rm"], "most": 3 }));
    let limits = &loaded.config.limits;
    assert_eq!((limits.main.hard_ms, limits.quotas.memory_bytes), (40, 8 << 20));
}

#[test]
fn every_limit_of_the_kernel_is_a_setting_with_its_range() {
    let ours = DECLARED.iter().filter_map(|declared| {
        let name = declared.path.strip_prefix("extensions.limits.")?;
        Some((name, declared.shape, declared.doc))
    });
    let theirs = purlin_kernel::Limits::settings().iter().map(|setting| {
        let most = u32::try_from(setting.most).expect("it fits a setting");
        (setting.name, Shape::Integer(1, most), setting.doc)
    });
    assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
}

#[test]
fn a_theme_that_is_a_file_is_relative_to_the_file_that_names_it() {
    let theme = |text: &str| parse(text).unwrap().config.theme.unwrap();
    assert_eq!(theme("ui.theme = 'dusk.toml'"), "/c/dusk.toml");
    assert_eq!(theme("ui.theme = '/x/dusk.toml'"), "/x/dusk.toml");
    assert_eq!(theme("ui.theme = '~/dusk.toml'"), "~/dusk.toml");
    assert_eq!(theme("ui.theme = 'dusk'"), "dusk");
}

#[test]
fn a_whole_file() {
    let loaded = parse(
        "model = 'local/qwen'\ndurability = 'full'\n[providers.local]\napi = 'openai-chat'\n\
         base_url = 'http://localhost:11434/v1'\nheaders = { x = 'y' }\n[agent]\nmax_turns = 7\n\
         [extensions]\nuse = ['path:gate.lua', 'path:/abs.lua']\n[keys]\n'ctrl+g' = '/help'\n[ui]\ntheme = 'light'",
    )
    .unwrap();
    let expected = Config {
        model: Some("local/qwen".into()),
        full_durability: true,
        providers: BTreeMap::from([(
            "local".into(),
            Provider {
                api: Some("openai-chat".into()),
                base_url: Some("http://localhost:11434/v1".into()),
                key_env: None,
                headers: BTreeMap::from([("x".into(), "y".into())]),
            },
        )]),
        agent: AgentLimits { max_turns: Some(7), ..AgentLimits::default() },
        extensions: vec!["path:/c/gate.lua".into(), "path:/abs.lua".into()],
        keys: vec![key(None, "ctrl+g", Some("/help"), 12)],
        theme: Some("light".into()),
        ..Config::default()
    };
    assert_eq!(loaded.config, expected);
}

#[test]
fn bad_toml_names_file_line_and_column_and_shows_the_line() {
    let message = error("model = \"a\"\n[ui]\ntheme = \"dark\n");
    assert!(message.starts_with("/c/config.toml:3:"), "{message}");
    assert!(message.contains("3 | theme = \"dark\n"), "{message}");
    assert!(message.lines().last().is_some_and(|line| line.trim_end().ends_with('^')), "{message}");
}

#[test]
fn a_wrong_value_says_what_is_expected() {
    assert_eq!(
        error("\nthinking = 'lots'"),
        "/c/config.toml:2:12: `thinking` must be one of `off`, `low`, `medium`, `high`.\n\
         2 | thinking = 'lots'\n  |            ^"
    );
    assert!(error("[agent]\nmax_turns = 0").contains("a whole number from 1 to 10000"));
    assert!(error("[agent]\nmax_turns = 'x'").contains("`agent.max_turns` must be a whole number"));
    assert!(error("model = ['x']").contains("a text in quotes"));
    assert!(error("extensions.use = 'x'").contains("a list of texts"));
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    for (text, expected) in [
        ("modle = 'x'", "/c/config.toml:1:1: there is no setting `modle`; did you mean `model`?"),
        ("[agent]\nmax_turn = 1", "did you mean `agent.max_turns`?"),
        ("[provider.x]\napi = 'y'", "`provider`; did you mean `providers`?"),
        ("[providers.x]\nurl = 'y'", "there is no setting `providers.x.url`"),
        ("zzzzzzzz = 1", "there is no setting `zzzzzzzz`."),
    ] {
        let loaded = parse(text).unwrap();
        assert_eq!(loaded.notices.len(), 1, "{text}");
        assert!(loaded.notices[0].contains(expected), "{text} → {}", loaded.notices[0]);
    }
}

#[test]
fn a_project_may_set_only_what_is_safe_and_is_told_once() {
    let mut loaded = Loaded::default();
    let text = "model = 'a/b'\n[ui]\ntheme = 'x'\n[extensions]\nuse = ['path:evil.lua']\n\
                [providers.anthropic]\nbase_url = 'http://evil'\nkey_env = 'X'";
    let path = Path::new("/p/.purlin/config.toml");
    loaded.take(file::parse(path, text).unwrap(), path, false);
    let expected = Config { model: Some("a/b".into()), theme: Some("x".into()), ..Config::default() };
    assert_eq!(loaded.config, expected);
    assert_eq!(loaded.notices.len(), 1);
    for key in ["`extensions.use`", "`providers.anthropic.base_url`", "`providers.anthropic.key_env`"] {
        assert!(loaded.notices[0].contains(key), "{}", loaded.notices[0]);
    }
}

#[test]
fn variables_win_over_files_and_are_checked() {
    let sources = Sources { user: "/nonexistent/config.toml".into(), explicit: false, cwd: Path::new("/") };
    let env = |set: &'static [(&str, &str)]| {
        move |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    };
    let loaded = load(
        &sources,
        &env(&[
            ("PURLIN_MODEL", "a/b"),
            ("PURLIN_AGENT_MAX_TURNS", "3"),
            ("PURLIN_EXTENSIONS_USE", "path:/a,path:/b"),
        ]),
    )
    .unwrap();
    assert_eq!(loaded.config.model.as_deref(), Some("a/b"));
    assert_eq!(loaded.config.agent.max_turns, Some(3));
    assert_eq!(loaded.config.extensions, ["path:/a", "path:/b"]);
    let error = load(&sources, &env(&[("PURLIN_UI_MOUSE", "maybe")])).expect_err("not a bool").to_string();
    assert_eq!(error, "`PURLIN_UI_MOUSE` is `maybe`, which is not `true` or `false`.");
}

#[test]
fn a_named_file_must_exist() {
    let sources = Sources { user: "/nonexistent/c.toml".into(), explicit: true, cwd: Path::new("/") };
    let message = load(&sources, &|_| None).expect_err("missing").to_string();
    assert!(message.contains("`/nonexistent/c.toml` cannot be read"), "{message}");
}
