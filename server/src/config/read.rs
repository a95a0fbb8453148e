//! Reading `server.toml`: defaults, checks, and words for the person who edits it.

use super::{Config, GroupConfig};
use crate::channel::adapter::AccountSettings;
use crate::database::postgres::PostgresSettings;
use evertill_shared::order_number::GroupTag;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}. Name the file with --config; `evertill-admin store create` makes one")]
    Unreadable(String),
    /// Not TOML, or a field is missing, misspelt or of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// A field says something impossible.
    #[error("`{field}` {what}. Write {write}")]
    Field {
        /// Which field.
        field: String,
        /// What is wrong with it.
        what: String,
        /// What to write instead.
        write: String,
    },
}

/// A field that says something impossible.
pub(crate) fn field(field: &str, what: &str, write: &str) -> Problem {
    Problem::Field { field: field.into(), what: what.into(), write: write.into() }
}

/// What to write for each field, for those who left it out or got it wrong.
const EXAMPLES: [(&str, &str); 25] = [
    ("metrics_listen", "metrics_listen = \"127.0.0.1:9464\""),
    ("drain_ms", "drain_ms = 3000"),
    ("listen", "listen = \"127.0.0.1:8443\""),
    ("data_dir", "data_dir = \"data\""),
    ("tls_certificate", "tls_certificate = \"tls.pem\""),
    ("tls_key", "tls_key = \"tls.key\""),
    ("response_key", "response_key = \"response.key\""),
    ("response_key_id", "response_key_id = \"server-1\""),
    ("server_keys", "server_keys = \"server-keys.json\""),
    ("bootstrap", "bootstrap = \"bootstrap.json\""),
    ("endpoints", "endpoints = [\"https://api.mch.weixin.qq.com\"]"),
    ("secure_endpoints", "secure_endpoints = [\"https://api.mch.weixin.qq.com\"]"),
    ("app_id", "app_id = \"wx0000000000000000\""),
    ("merchant_id", "merchant_id = \"1900000000\""),
    ("api_key_file", "api_key_file = \"wechat/api.key\""),
    ("api_v3_key_file", "api_v3_key_file = \"wechat/api_v3.key\""),
    ("notify_url", "notify_url = \"https://pay.example.com/v1/notifications/wechat_pay\""),
    ("client_certificate", "client_certificate = \"wechat/apiclient_cert.pem\""),
    ("client_key", "client_key = \"wechat/apiclient_key.pem\""),
    ("app_private_key", "app_private_key = \"alipay/app.key\""),
    ("root", "root = \"alipay/alipayRootCert.crt\""),
    ("app", "app = \"alipay/appCertPublicKey.crt\""),
    ("alipay", "alipay = [\"alipay/alipayCertPublicKey_RSA2.crt\"]"),
    ("tag", "tag = 0"),
    ("file", "file = \"groups/00.db\""),
];

/// The parser's words, and the line to write where a field is missing or wrong.
pub(super) fn explain(error: &toml::de::Error) -> Problem {
    let mut text = error.to_string().trim_end().to_owned();
    let mentioned = EXAMPLES.iter().find(|(name, _)| {
        text.contains(&format!("`{name}`")) || text.lines().any(|l| l.contains(&format!("| {name} =")))
    });
    if let Some((_, example)) = mentioned {
        text.push_str("\nWrite for example: ");
        text.push_str(example);
    }
    Problem::Syntax(text)
}

/// The default: three groups beside each other.
pub(super) fn three_groups() -> Vec<GroupConfig> {
    (0..3_u8)
        .filter_map(|tag| GroupTag::try_from(tag).ok())
        .map(|tag| GroupConfig {
            tag,
            file: Some(PathBuf::from(format!("groups/{:02}.db", tag.get()))),
            postgres: None,
        })
        .collect()
}

impl Config {
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.groups.is_empty() {
            return Err(field(
                "groups",
                "is empty",
                "one [[groups]] block at least, or leave it out for three",
            ));
        }
        for (index, group) in self.groups.iter().enumerate() {
            let others = &self.groups[..index];
            if others.iter().any(|o| o.tag == group.tag) {
                let what = format!("{} stands twice", group.tag.get());
                return Err(field(
                    "groups.tag",
                    &what,
                    "another number from 0 to 99: a tag is one group's for ever",
                ));
            }
            match (&group.file, &group.postgres) {
                (Some(file), None) if others.iter().any(|o| o.file.as_ref() == Some(file)) => {
                    let what = format!("\"{}\" stands twice", file.display());
                    return Err(field("groups.file", &what, "another file: each group has its own"));
                }
                (Some(_), None) => {}
                (None, Some(settings)) if others.iter().any(|o| same_database(o, settings)) => {
                    let what = format!("names {} twice", settings.place());
                    return Err(field("groups.postgres", &what, "another database: each group has its own"));
                }
                (None, Some(settings)) => check_postgres("groups.postgres", settings)?,
                (None, None) | (Some(_), Some(_)) => {
                    let what = format!("{}: needs either a file or a PostgreSQL database", group.tag.get());
                    let write = "file = \"groups/00.db\", or postgres = { hosts = [\"db1:5432\"], \
                                 database = \"evertill\", user = \"evertill\", password_file = \"pg.password\" }";
                    return Err(field("groups.tag", &what, write));
                }
            }
        }
        let id = &self.response_key_id;
        if id.is_empty() || id.len() > 100 || !id.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
            return Err(field(
                "response_key_id",
                "is not a key's name",
                "1 to 100 letters and digits, like \"server-1\"",
            ));
        }
        if self.drain_ms > 60_000 {
            return Err(field("drain_ms", "is out of range", "0 to 60000 (milliseconds); 0 is the default"));
        }
        let limits = &self.group_limits;
        if !(10..=60_000).contains(&limits.call_ms) {
            return Err(field(
                "group_limits.call_ms",
                "is out of range",
                "10 to 60000 (milliseconds); 1000 is the default",
            ));
        }
        if limits.failures_per_period == 0 || limits.period_ms == 0 {
            let names = "group_limits.failures_per_period and period_ms";
            return Err(field(names, "must be more than zero", "3 and 60000, the defaults"));
        }
        self.base.as_ref().map_or(Ok(()), |base| check_postgres("base.postgres", &base.postgres))?;
        self.view.as_ref().map_or(Ok(()), |view| check_postgres("view.postgres", &view.postgres))?;
        self.reconciling.check().map_err(|(name, what, write)| field(name, what, write))?;
        self.accounts().into_iter().try_for_each(AccountSettings::check)
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        for path in [
            &mut self.data_dir,
            &mut self.tls_certificate,
            &mut self.tls_key,
            &mut self.response_key,
            &mut self.server_keys,
            &mut self.bootstrap,
        ] {
            *path = folder.join(&*path);
        }
        for group in &mut self.groups {
            group.file = group.file.take().map(|file| self.data_dir.join(file));
            group.postgres.iter_mut().for_each(|settings| settings.resolve(folder));
        }
        self.base.iter_mut().for_each(|base| base.postgres.resolve(folder));
        self.view.iter_mut().for_each(|view| view.postgres.resolve(folder));
        self.account_keys.iter_mut().for_each(|file| *file = folder.join(&*file));
        if let Some(wechat) = &mut self.wechat {
            wechat.resolve(folder);
        }
        if let Some(alipay) = &mut self.alipay {
            alipay.resolve(folder);
        }
    }
}

fn same_database(other: &GroupConfig, settings: &PostgresSettings) -> bool {
    let names = |s: &PostgresSettings| (s.hosts.clone(), s.database.clone());
    other.postgres.as_ref().is_some_and(|other| names(other) == names(settings))
}

fn check_postgres(name: &str, settings: &PostgresSettings) -> Result<(), Problem> {
    settings.check().map_err(|(part, what, write)| field(&format!("{name}.{part}"), &what, write))
}

/// Each of a wallet's addresses must be one.
///
/// # Errors
/// The first that is none, or that there is none at all.
pub(crate) fn check_addresses(name: &str, addresses: &[String], example: &str) -> Result<(), Problem> {
    if addresses.is_empty() {
        return Err(field(name, "is empty", &format!("one address at least, like [\"{example}\"]")));
    }
    match addresses.iter().find(|a| !a.starts_with("https://") && !a.starts_with("http://")) {
        Some(odd) => {
            let what = format!("holds \"{odd}\", which is not an address");
            Err(field(name, &what, "addresses that begin with https:// (or http:// for a simulator)"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merchant_view::ViewPlace;

    const GOOD: &str = r#"
listen = "127.0.0.1:8443"
data_dir = "data"
tls_certificate = "tls.pem"
tls_key = "tls.key"
response_key = "response.key"
response_key_id = "server-1"
server_keys = "server-keys.json"
bootstrap = "bootstrap.json"
"#;

    fn problem(text: &str) -> String {
        Config::parse(text, Path::new("/store")).unwrap_err().to_string()
    }

    #[test]
    fn a_short_file_gets_three_groups_and_paths_beside_it() {
        let config = Config::parse(GOOD, Path::new("/store")).unwrap();
        let files: Vec<_> = config.groups.iter().map(|g| g.place().to_string()).collect();
        assert_eq!(
            files,
            ["/store/data/groups/00.db", "/store/data/groups/01.db", "/store/data/groups/02.db"]
        );
        assert_eq!(config.base_file(), Path::new("/store/data/base.db"));
        assert_eq!(config.group_limits, super::super::GroupLimits::default());
    }

    #[test]
    fn each_missing_field_is_named_with_the_line_to_write() {
        for (name, example) in EXAMPLES.iter().skip(2).take(8) {
            let without: String = GOOD
                .lines()
                .filter(|l| !l.starts_with(&format!("{name} =")))
                .map(|l| format!("{l}\n"))
                .collect();
            let text = problem(&without);
            assert!(text.contains(&format!("`{name}`")) && text.contains(example), "{name}: {text}");
        }
    }

    #[test]
    fn wrong_values_say_what_to_write() {
        let text = problem(&GOOD.replace("127.0.0.1:8443", "everywhere"));
        assert!(text.contains("listen") && text.contains("listen = \"127.0.0.1:8443\""), "{text}");
        let text = problem(&format!("{GOOD}\nlisen = 1\n"));
        assert!(text.contains("lisen"), "{text}");
        let twice = "[[groups]]\ntag = 4\nfile = \"a.db\"\n[[groups]]\ntag = 4\nfile = \"b.db\"\n";
        let text = problem(&format!("{GOOD}\n{twice}"));
        assert!(text.contains("groups.tag") && text.contains("another number"), "{text}");
        let text = problem(&format!("{GOOD}\n[group_limits]\ncall_ms = 0\n"));
        assert!(text.contains("group_limits.call_ms"), "{text}");
        let text = problem(&format!("{GOOD}\n[[groups]]\ntag = 100\nfile = \"a.db\"\n"));
        assert!(text.contains("tag"), "{text}");
    }

    #[test]
    fn a_group_is_in_one_database_and_no_two_share_one() {
        let pg = "postgres = { hosts = [\"db1:5432\", \"db2:5432\"], database = \"a\", user = \"u\", password_file = \"pw\" }";
        let config = Config::parse(&format!("{GOOD}\n[[groups]]\ntag = 1\n{pg}\n"), Path::new("/s")).unwrap();
        let settings = config.groups[0].postgres.clone().unwrap();
        assert_eq!(settings.password_file.as_deref(), Some(Path::new("/s/pw")));
        assert!(config.groups[0].place().to_string().contains("db1:5432"));
        let both = format!("{GOOD}\n[[groups]]\ntag = 1\nfile = \"a.db\"\n{pg}\n");
        assert!(problem(&both).contains("either a file or"), "{}", problem(&both));
        assert!(problem(&format!("{GOOD}\n[[groups]]\ntag = 1\n")).contains("either a file or"));
        let twice = format!("{GOOD}\n[[groups]]\ntag = 1\n{pg}\n[[groups]]\ntag = 2\n{pg}\n");
        assert!(problem(&twice).contains("twice"), "{}", problem(&twice));
        let nowhere = format!("{GOOD}\n[base]\n{}\n", pg.replace("\"db1:5432\", \"db2:5432\"", ""));
        assert!(problem(&nowhere).contains("base.postgres.hosts"), "{}", problem(&nowhere));
    }

    #[test]
    fn the_view_is_in_a_file_or_in_a_database_that_all_servers_share() {
        let pg =
            "postgres = { hosts = [\"db1\"], database = \"view\", user = \"u\", password_file = \"pw\" }";
        let place = |text: &str| Config::parse(text, Path::new("/s")).unwrap().view_place();
        assert_eq!(place(GOOD), Some(ViewPlace::Sqlite("/s/data/view.db".into())));
        let Some(ViewPlace::Postgres(settings)) = place(&format!("{GOOD}\n[view]\n{pg}\n")) else {
            panic!("it is in PostgreSQL")
        };
        assert_eq!((settings.database.as_str(), settings.name.as_str()), ("view", "server-1"));
        assert_eq!(settings.password_file.as_deref(), Some(Path::new("/s/pw")));
        let shared_base = format!("{GOOD}\n[base]\n{}\n", pg.replace("view", "base"));
        assert_eq!(place(&shared_base), None, "no file of one machine's own");
        let text = problem(&format!("{GOOD}\n[view]\n{}\n", pg.replace("\"db1\"", "")));
        assert!(text.contains("view.postgres.hosts"), "{text}");
    }

    #[test]
    fn a_wallet_needs_addresses_and_its_files_lie_beside_the_settings() {
        let wechat = "[wechat]\nendpoints = [\"https://a\"]\napp_id = \"wx\"\nmerchant_id = \"1\"\n\
                      api_key_file = \"wechat.key\"\nclient_certificate = \"c.pem\"\n";
        let text = problem(&format!("{GOOD}\n{wechat}"));
        assert!(text.contains("client_key"), "{text}");
        let wechat = format!("{wechat}client_key = \"c.key\"\n");
        let config = Config::parse(&format!("{GOOD}\n{wechat}"), Path::new("/s")).unwrap();
        assert_eq!(config.wechat.unwrap().client_key, Path::new("/s/c.key"));
        let text = problem(&format!("{GOOD}\n{}", wechat.replace("https://a", "weixin")));
        assert!(text.contains("wechat.endpoints") && text.contains("weixin"), "{text}");
    }

    #[test]
    fn version_3_of_wechat_needs_its_key_an_address_and_a_public_key_with_its_name_or_none() {
        let account = "[wechat]\napp_id = \"wx\"\nmerchant_id = \"1\"\napi_key_file = \"wechat.key\"\n\
                       client_certificate = \"c.pem\"\nclient_key = \"c.key\"\n[wechat.v3]\n";
        let parse = |v3: &str| Config::parse(&format!("{GOOD}\n{account}{v3}"), Path::new("/s"));
        let good = "api_v3_key_file = \"v3.key\"\nnotify_url = \"https://pay.example.com/v1/notifications/wechat_pay\"\n";
        let public = "public_key = \"pub.pem\"\npublic_key_id = \"PUB_KEY_ID_01\"\n";
        let v3 = parse(&format!("{good}{public}")).unwrap().wechat.unwrap().v3.unwrap();
        assert_eq!(v3.api_v3_key_file, Path::new("/s/v3.key"));
        assert_eq!(v3.public_key.as_deref(), Some(Path::new("/s/pub.pem")));
        assert!(!v3.codepay && !parse(good).unwrap().wechat.unwrap().v3.unwrap().codepay);
        let wrong = |v3: &str| parse(v3).unwrap_err().to_string();
        for (v3, named) in [
            ("notify_url = \"https://a.example/n\"\n".to_owned(), "api_v3_key_file"),
            ("api_v3_key_file = \"v3.key\"\n".to_owned(), "notify_url"),
            (good.replace("wechat_pay", "wechat_pay?a=1"), "wechat.v3.notify_url"),
            (good.replace("https://pay.example.com", ""), "wechat.v3.notify_url"),
            (format!("{good}public_key = \"pub.pem\"\n"), "wechat.v3.public_key"),
            (format!("{good}{}", public.replace("PUB_KEY_ID_", "")), "wechat.v3.public_key_id"),
            (format!("{good}codepays = true\n"), "codepays"),
        ] {
            assert!(wrong(&v3).contains(named), "{named}: {}", wrong(&v3));
        }
    }

    #[test]
    fn a_service_provider_names_the_shop_that_it_acts_for() {
        let account = "[wechat]\napp_id = \"wx\"\nmerchant_id = \"1\"\napi_key_file = \"wechat.key\"\n\
                       client_certificate = \"c.pem\"\nclient_key = \"c.key\"\n";
        let wechat = |more: &str| Config::parse(&format!("{GOOD}\n{account}{more}"), Path::new("/s"));
        assert_eq!(wechat("").unwrap().wechat.unwrap().account(), "1");
        let shop = wechat("sub_merchant_id = \"209\"\nsub_app_id = \"wxs\"\n").unwrap().wechat.unwrap();
        assert_eq!(shop.account(), "1/209", "another account than the provider's other shops");
        for bad in ["sub_merchant_id = \"\"\n", "sub_merchant_id = \"1\"\n", "sub_merchant_id = \"x\"\n"] {
            let text = wechat(bad).unwrap_err().to_string();
            assert!(text.contains("wechat.sub_merchant_id"), "{text}");
        }
        let text = wechat("sub_app_id = \"wxs\"\n").unwrap_err().to_string();
        assert!(text.contains("wechat.sub_app_id"), "{text}");
        let app = "[alipay]\napp_id = \"1\"\napp_private_key = \"a.key\"\nalipay_public_key = \"w.pub\"\n\
                   app_auth_token = \"shop.token\"\n";
        let alipay = |more: &str| Config::parse(&format!("{GOOD}\n{app}{more}"), Path::new("/s"));
        let own = alipay("seller_id = \"2088000000000000\"\n").unwrap().alipay.unwrap();
        assert_eq!(own.account(), "1/2088000000000000");
        assert_eq!(own.app_auth_token.as_deref(), Some(Path::new("/s/shop.token")));
        for odd in ["", "2088", "3088000000000000", "2088000000000000 "] {
            let text = alipay(&format!("seller_id = \"{odd}\"\n")).unwrap_err().to_string();
            assert!(text.contains("alipay.seller_id") && text.contains("16 digits"), "{text}");
        }
        let text = alipay("").unwrap_err().to_string();
        assert!(text.contains("alipay.app_auth_token") && text.contains("seller_id"), "{text}");
    }

    #[test]
    fn alipay_needs_one_mode_and_what_is_not_said_of_its_timing_is_its_own() {
        let parse = |more: &str| {
            let section = format!("[alipay]\napp_id = \"1\"\napp_private_key = \"app.key\"\n{more}");
            Config::parse(&format!("{GOOD}\n{section}"), Path::new("/s"))
        };
        let key = "alipay_public_key = \"wallet.pub\"\n";
        let certificates = "certificates = { app = \"a.crt\", root = \"r.crt\", alipay = [\"w.crt\"] }\n";
        let alipay = parse(&format!("{key}policy = {{ query_every_ms = 3000 }}\n")).unwrap().alipay.unwrap();
        let wanted =
            evertill_shared::payment::Policy { query_every_ms: 3_000, ..crate::channel::alipay::TIMING };
        assert_eq!(alipay.policy, wanted);
        assert_eq!(alipay.alipay_public_key.as_deref(), Some(Path::new("/s/wallet.pub")));
        assert_eq!(parse(key).unwrap().alipay.unwrap().policy, crate::channel::alipay::TIMING);
        let files = parse(certificates).unwrap().alipay.unwrap().certificates.unwrap();
        assert_eq!((files.root.as_path(), files.alipay), (Path::new("/s/r.crt"), vec!["/s/w.crt".into()]));
        let none_of_theirs = certificates.replace("\"w.crt\"", "");
        for bad in ["", &format!("{key}{certificates}"), &none_of_theirs] {
            let text = parse(bad).unwrap_err().to_string();
            assert!(text.contains("alipay_public_key") && text.contains("certificates"), "{text}");
        }
        assert!(parse(&format!("{key}policy = {{ query_evry_ms = 1 }}\n")).is_err(), "a misspelt name");
        let text = parse(&format!("{key}endpoints = [\"alipay\"]\n")).unwrap_err().to_string();
        assert!(text.contains("alipay.endpoints"), "{text}");
    }
}
