//! Settings: where they come from, which one holds, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use countersign_server::settings::{Configuration, Given, Origin, Settings, TABLE, reference};
use support::Place;

fn load(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> Result<Configuration, String> {
    let given = Given {
        flags: flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        file: None,
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
    };
    Configuration::load(&given).map_err(|failure| failure.to_string())
}

fn origin(configuration: &Configuration, name: &str) -> Origin {
    configuration.rows().find(|(setting, ..)| setting.name == name).map(|(.., origin)| origin.clone()).unwrap()
}

#[test]
fn every_setting_reads_back_what_it_shows() {
    for setting in TABLE {
        let shown = (setting.show)(&Settings::default());
        let mut settings = Settings::default();
        (setting.read)(&mut settings, &shown).unwrap_or_else(|wanted| panic!("{}: {shown:?}: {wanted}", setting.name));
        assert_eq!((setting.show)(&settings), shown, "{}", setting.name);
    }
}

#[test]
fn names_are_unique_and_no_setting_shadows_the_file() {
    let mut names: Vec<_> = TABLE.iter().map(|setting| setting.name).collect();
    assert!(!names.contains(&"config"));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len());
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let place = Place::new();
    let file = place.write("settings.toml", "listen = '127.0.0.1:1'\nlog = 'warn'\nregistration = 'closed'\n");
    let given = Given {
        flags: vec![("listen", "127.0.0.1:3".to_owned())],
        file: Some(file.clone()),
        environment: vec![
            ("COUNTERSIGN_LISTEN".into(), "127.0.0.1:2".into()),
            ("COUNTERSIGN_LOG".into(), "debug".into()),
        ],
    };
    let configuration = Configuration::load(&given).unwrap();
    assert_eq!(configuration.settings.listen.port(), 3);
    assert_eq!(origin(&configuration, "listen"), Origin::Flag("--listen".to_owned()));
    assert_eq!(configuration.settings.log, tracing::level_filters::LevelFilter::DEBUG);
    assert_eq!(origin(&configuration, "log"), Origin::Environment("COUNTERSIGN_LOG".to_owned()));
    assert_eq!(configuration.settings.registration, countersign::Registration::Closed);
    assert_eq!(origin(&configuration, "registration"), Origin::File(file));
    assert_eq!(origin(&configuration, "algorithm"), Origin::Default);
}

#[test]
fn a_variable_names_the_file_unless_a_flag_does() {
    let place = Place::new();
    let (one, two) = (place.write("one.toml", "log = 'warn'"), place.write("two.toml", "log = 'error'"));
    let environment = vec![("COUNTERSIGN_CONFIG".into(), one.into_os_string())];
    let given = Given { environment, ..Given::default() };
    assert_eq!(Configuration::load(&given).unwrap().settings.log, tracing::level_filters::LevelFilter::WARN);
    let given = Given { file: Some(two), ..given };
    assert_eq!(Configuration::load(&given).unwrap().settings.log, tracing::level_filters::LevelFilter::ERROR);
}

#[test]
fn the_file_takes_numbers_booleans_and_lists() {
    let place = Place::new();
    let text =
        "access_token_lifetime = 90\nrefresh_tokens = false\ndefault_scopes = ['items:read', 'me']\nhash_queue = 7\n";
    let file = place.write("settings.toml", text);
    let given = Given { file: Some(file), ..Given::default() };
    let settings = Configuration::load(&given).unwrap().settings;
    assert_eq!(settings.access_token_lifetime.as_secs(), 90);
    assert!(!settings.refresh_tokens);
    assert_eq!(settings.default_scopes.to_string(), "items:read me");
    assert_eq!(settings.hashing.queue_limit, 7);
}

#[test]
fn kinds_of_things_are_a_table_of_lists_in_the_file_and_one_text_elsewhere() {
    let place = Place::new();
    let file = place.write("settings.toml", "log = 'warn'\n[entities]\npost = ['edit']\ncar = ['unlock', 'drive']\n");
    let given = Given { file: Some(file), ..Given::default() };
    let shown = |configuration: &Configuration| {
        configuration.rows().find(|(setting, ..)| setting.name == "entities").map(|(_, value, _)| value).unwrap()
    };
    assert_eq!(shown(&Configuration::load(&given).unwrap()), "car: drive unlock; post: edit");
    let flags = [("entities", "post: edit; car: unlock drive")];
    assert_eq!(shown(&load(&flags, &[]).unwrap()), "car: drive unlock; post: edit");
    let environment = [("COUNTERSIGN_ENTITIES", "car: drive")];
    assert_eq!(shown(&load(&[], &environment).unwrap()), "car: drive");
    for (text, hint) in [
        ("[entities]\ncar = []", "at least one permission"),
        ("[entities]\ncar = 'drive'", "entities: write"),
        ("[entities]\n'a: b; c' = ['drive']", "entities: write"),
        ("[entities]\ncar = ['drive', 1]", "entities: write"),
        ("[entities.car]\ndrive = 'Drive it.'", "entities: write"),
        ("[entities]\nclient = ['drive']", "no kind of thing"),
        ("[entities]\ncar = ['drive;']", "as in `car"),
    ] {
        let file = place.write("wrong.toml", text);
        let error = Configuration::load(&Given { file: Some(file), ..Given::default() }).unwrap_err().to_string();
        assert!(error.contains(hint) && error.contains("wrong.toml"), "{error}");
    }
    // What a user has and what a token for a thing has must not be confused by an API.
    let both = [("entities", "car: drive"), ("default-scopes", "drive me")];
    assert!(load(&both, &[]).unwrap_err().contains("default-scopes"));
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0", "--entities", "car: users:read"]).bad(2);
    assert!(refused.contains("users:read is a scope of this server"), "{refused}");
}

#[test]
fn relative_paths_start_from_where_they_are_written() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("etc")).unwrap();
    let file = place.write("etc/settings.toml", "data = '../var'");
    let given = Given { file: Some(file), ..Given::default() };
    let data = Configuration::load(&given).unwrap().settings.data;
    assert_eq!(data, place.path().join("etc/../var"));
    let here = std::env::current_dir().unwrap();
    assert_eq!(load(&[("data", "var")], &[]).unwrap().settings.data, here.join("var"));
    assert_eq!(load(&[], &[]).unwrap().settings.data, here.join("countersign-data"));
    assert_eq!(load(&[("data", "/var")], &[]).unwrap().settings.data, PathBuf::from("/var"));
}

#[test]
fn bad_values_say_where_they_stand_and_what_to_write() {
    let cases = [
        ("listen", "8000", "an IP address and a port"),
        ("listen", "localhost:8000", "an IP address and a port"),
        ("issuer", "id.example.com", "an http or https URL"),
        ("issuer", "https://id.example.com/", "final slash"),
        ("audience", "", "one name"),
        ("allowed-origins", "https://app.example.com/", "without a path"),
        ("registration", "yes", "open or closed"),
        ("profile", "oauth22", "oauth2 or oauth21"),
        ("refresh-tokens", "yes", "on or off"),
        ("default-scopes", "a  b", "space"),
        ("error-style", "FastAPI", "rfc6749 or fastapi"),
        ("access-token-lifetime", "0", "a number and a unit"),
        ("access-token-lifetime", "32d", "at most 31d"),
        ("entities", "car", "as in `car: drive unlock; post: edit`"),
        ("entities", "user: drive", "no kind of thing"),
        ("entities", "car: users:write", "scope of this server"),
        ("entities", "car: drive; car: unlock", "twice"),
        ("entity-token-lifetime", "366d", "at most 365d"),
        ("algorithm", "none", "ES256"),
        ("algorithm", "HS256", "ES256"),
        ("algorithm", "es256", "ES256"),
        ("hash-threads", "0", "from 1"),
        ("hash-budget-mib", "-1", "from 1"),
        ("hash-kernel", "avx2", "auto or portable"),
        ("max-connections", "many", "a whole number"),
        ("log", "verbose", "info"),
        ("log", "3", "info"),
    ];
    for (name, value, hint) in cases {
        let error = load(&[(name, value)], &[]).unwrap_err();
        assert!(error.starts_with(&format!("--{name}: {value:?}")), "{error}");
        assert!(error.contains(hint), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
    let error = load(&[], &[("COUNTERSIGN_HASH_QUEUE", "x")]).unwrap_err();
    assert!(error.starts_with("COUNTERSIGN_HASH_QUEUE: \"x\""), "{error}");
}

//
#[test]
fn hashes_below_the_floor_are_refused() {
    let error = load(&[("hash-memory-kib", "4096")], &[]).unwrap_err();
    assert!(error.contains("too weak") && error.contains("hash-memory-kib"), "{error}");
    assert!(load(&[("hash-memory-kib", "12288"), ("hash-iterations", "3")], &[]).is_ok());
}

//
#[test]
fn a_budget_that_is_too_small_for_one_hash_is_refused_before_anything_is_served() {
    assert!(load(&[("hash-memory-kib", "65536"), ("hash-budget-mib", "63")], &[]).unwrap_err().contains("at least 64"));
    assert!(load(&[("hash-memory-kib", "65536"), ("hash-budget-mib", "64")], &[]).is_ok());
    // 19456 KiB are held as ten pages of 2 MiB.
    let place = Place::new();
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0", "--hash-budget-mib", "19"]).bad(2);
    assert!(refused.contains("hash-budget-mib: write at least 20"), "{refused}");
    assert!(place.files().is_empty());
}

//
#[test]
fn oauth_2_1_wants_tls_and_another_style_than_fastapis() {
    let with = |flags: &[(&'static str, &str)]| load(&[&[("profile", "oauth21")], flags].concat(), &[]);
    assert!(with(&[]).is_ok() && with(&[("issuer", "http://localhost:8000")]).is_ok());
    assert!(with(&[("issuer", "https://id.example.com"), ("listen", "0.0.0.0:8000")]).is_ok());
    for plain in [("issuer", "http://id.example.com"), ("listen", "0.0.0.0:8000")] {
        assert!(with(&[plain]).unwrap_err().contains("TLS"));
    }
    assert!(with(&[("error-style", "fastapi")]).unwrap_err().contains("error-style"));
}

#[test]
fn the_budget_is_a_quarter_of_what_the_process_may_use() {
    let may_use = countersign_server::allowance::memory().unwrap();
    let quarter = usize::try_from(may_use / 4 / (1 << 20)).unwrap();
    assert_eq!(load(&[], &[]).unwrap().settings.hashing.memory_budget_mib, quarter.max(20));
    assert_eq!(load(&[("hash-budget-mib", "77")], &[]).unwrap().settings.hashing.memory_budget_mib, 77);
}

#[test]
fn the_kernel_can_be_turned_off() {
    use countersign_password::Kernel;
    assert_eq!(load(&[], &[]).unwrap().settings.hash_kernel, Kernel::Auto);
    assert_eq!(load(&[("hash-kernel", "portable")], &[]).unwrap().settings.hash_kernel, Kernel::Portable);
}

//
#[test]
fn unknown_variables_are_refused_but_not_those_of_a_cluster() {
    let error = load(&[], &[("COUNTERSIGN_LISTN", "127.0.0.1:1")]).unwrap_err();
    assert!(error.contains("COUNTERSIGN_LISTN") && error.contains("COUNTERSIGN_LISTEN"), "{error}");
    let cluster = [("COUNTERSIGN_SERVICE_HOST", "10.0.0.1"), ("COUNTERSIGN_PORT_8000_TCP", "tcp://10.0.0.1:8000")];
    assert!(load(&[], &cluster).is_ok());
    assert!(load(&[], &[("COUNTERSIGN_LISTEN", ""), ("OTHER", "x")]).is_ok());
}

//
#[test]
fn a_file_that_cannot_be_read_or_understood_is_refused() {
    let place = Place::new();
    for (text, hint) in [
        ("listn = '127.0.0.1:1'", "\"listn\" is no setting"),
        ("listen = 8000", "listen: \"8000\" will not do"),
        ("listen = 1.5", "listen: write a string"),
        ("[serve]\nlisten = '127.0.0.1:1'", "\"serve\" is no setting"),
        ("log = 'info'\nlisten 1", "line 2"),
        ("log = 'info'\nlog = 'warn'", "line 2"),
    ] {
        let file = place.write("settings.toml", text);
        let error = Configuration::load(&Given { file: Some(file), ..Given::default() }).unwrap_err().to_string();
        assert!(error.contains(hint) && error.contains("settings.toml"), "{error}");
    }
    let given = Given { file: Some(place.path().join("none.toml")), ..Given::default() };
    assert!(Configuration::load(&given).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn the_issuer_follows_the_address_unless_given() {
    let settings = Settings::default();
    assert_eq!(settings.issuer_at("127.0.0.1:41234".parse().unwrap()), "http://127.0.0.1:41234");
    assert_eq!(settings.issuer_at("[::1]:80".parse().unwrap()), "http://[::1]:80");
    assert_eq!(settings.issuer_at("0.0.0.0:8000".parse().unwrap()), "http://127.0.0.1:8000");
    let settings = load(&[("issuer", "https://id.example.com")], &[]).unwrap().settings;
    assert_eq!(settings.issuer_at("127.0.0.1:1".parse().unwrap()), "https://id.example.com");
    assert_eq!(settings.of_accounts("https://id.example.com").audience, "https://id.example.com");
}

//
#[test]
fn nobody_but_this_machine_is_listened_to_unless_asked() {
    assert!(load(&[], &[]).unwrap().settings.listen.ip().is_loopback());
}

#[test]
fn the_command_shows_what_holds_and_where_it_came_from() {
    let place = Place::new();
    place.write("settings.toml", "registration = 'closed'");
    let arguments = ["config", "--config", "settings.toml", "--log", "debug"];
    let environment = [("COUNTERSIGN_HASH_QUEUE", "9")];
    let shown = place.run_with(&arguments, &environment, "").good();
    let row = |key: &str| shown.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap().to_owned();
    assert!(row("log").ends_with("--log") && row("log").contains("debug"));
    assert!(row("registration").ends_with("settings.toml") && row("registration").contains("closed"));
    assert!(row("hash_queue").ends_with("COUNTERSIGN_HASH_QUEUE"));
    assert!(row("data").contains(place.data().to_str().unwrap()));

    let json = place.run_with(&[&arguments[..], &["--json"]].concat(), &environment, "").json();
    assert_eq!(json.as_array().unwrap().len(), TABLE.len());
    let queue = json.as_array().unwrap().iter().find(|row| row["setting"] == "hash_queue").unwrap();
    let wanted = serde_json::json!(
        { "setting": "hash_queue", "value": "9", "origin": "environment", "source": "COUNTERSIGN_HASH_QUEUE" }
    );
    assert_eq!(*queue, wanted);
    // It looks, and makes nothing.
    assert_eq!(place.files(), ["settings.toml"]);
}

#[test]
fn help_names_every_setting_its_variable_and_its_default() {
    let help = Place::new().run(&["serve", "--help"]).good();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for setting in TABLE {
        assert!(help.contains(&setting.flag()), "{}", setting.name);
        assert!(help.contains(&format!("[env: {}]", setting.variable())), "{}", setting.name);
        let default = setting.default_text();
        assert!(default.is_empty() || help.contains(&format!("[default: {default}]")), "{}", setting.name);
    }
}

#[test]
fn the_reference_page_is_the_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        page,
        reference(),
        "write it anew: UPDATE_REFERENCE=1 cargo test -p countersign-server --test configuration"
    );
}

#[test]
fn a_list_of_passwords_is_read_before_anything_is_served() {
    //
    let place = Place::new();
    place.write("refused.txt", "green tea in the morning\n");
    let (add, list) = (["user", "add", "ada", "--password-stdin"], [("COUNTERSIGN_PASSWORD_LIST", "refused.txt")]);
    let refused = place.run_with(&add, &list, "Green tea in the morning\n").bad(1);
    assert!(refused.contains("in the list"), "{refused}");
    place.run_with(&add, &list, "black tea in the morning\n").good();
    place.write("wrong.txt", "good enough for me\nb\tad\n");
    for (file, reason) in [("wrong.txt", "line 2"), ("nowhere.txt", "cannot be read")] {
        let refused = place.run(&["serve", "--listen", "127.0.0.1:0", "--password-list", file]).bad(2);
        assert!(refused.contains(reason) && !refused.contains("ad\t"), "{refused}");
    }
}
