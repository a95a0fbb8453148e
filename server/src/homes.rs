//! Where the databases of order groups are, as this server reaches them: its own settings know of some, the base store
//! of all.

use crate::base_store::{BaseStore, HomeRecord};
use crate::database::postgres::PostgresSettings;
use crate::order_group::{GroupPlace, KnownMap, MapSource, Place, Told};
use evertill_shared::order_number::GroupTag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place as it stands in the base store. Relative paths start in each server's data folder.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Sqlite(PathBuf),
    Postgres(Box<PostgresSettings>),
}

/// A place as it stands in the base store, for people.
#[must_use]
pub fn in_words(written: &str) -> String {
    match serde_json::from_str(written) {
        Ok(Written::Sqlite(file)) => file.display().to_string(),
        Ok(Written::Postgres(settings)) => settings.place(),
        Err(_) => written.to_owned(),
    }
}

/// The map of the base store, seen from one server.
#[derive(Clone)]
pub struct Atlas {
    base: BaseStore,
    here: Arc<Here>,
}

/// What is this server's own.
struct Here {
    /// The groups of its settings: where they say that one is, there it is looked for.
    own: BTreeMap<GroupTag, Place>,
    folder: PathBuf,
    server: String,
}

impl Atlas {
    /// The atlas of a server with that data folder and name, whose own settings name these groups.
    #[must_use]
    pub fn new(base: BaseStore, own: BTreeMap<GroupTag, Place>, folder: PathBuf, server: String) -> Self {
        Self { base, here: Arc::new(Here { own, folder, server }) }
    }

    /// Writes the groups of this server's own settings down, if they are new to the store.
    ///
    /// # Errors
    /// The base store's, in words.
    pub async fn introduce(&self) -> Result<(), String> {
        let written = |(tag, place): (&GroupTag, &Place)| Ok((*tag, self.here.written(place)?));
        let places = self.here.own.iter().map(written).collect::<Result<_, String>>()?;
        self.base.introduce_homes(places).await.map_err(|error| error.to_string())
    }

    /// The map as it is now.
    ///
    /// # Errors
    /// The base store's, in words.
    pub async fn read(&self) -> Result<KnownMap, String> {
        let (homes, tags) = self.base.map().await.map_err(|error| error.to_string())?;
        let in_use = homes.into_iter().filter(|home| home.in_use);
        Ok(KnownMap { homes: in_use.map(|home| self.here.reached(home)).collect::<Result<_, _>>()?, tags })
    }
}

impl MapSource for Atlas {
    fn map(&self) -> Told<KnownMap> {
        let atlas = self.clone();
        Box::pin(async move { atlas.read().await })
    }

    fn remember(&self, home: GroupTag, identity: String) -> Told<()> {
        let base = self.base.clone();
        Box::pin(async move { base.remember_group(home, identity).await.map_err(|error| error.to_string()) })
    }

    fn place(&self, place: Place) -> Result<(Place, String), String> {
        let written = self.here.written(&place)?;
        Ok((self.here.place(&written)?, written))
    }
}

impl Here {
    fn written(&self, place: &Place) -> Result<String, String> {
        let short = |path: &Path| path.strip_prefix(&self.folder).unwrap_or(path).to_owned();
        let written = match place {
            Place::Sqlite(file) => Written::Sqlite(short(file)),
            Place::Postgres(settings) => {
                let mut settings = settings.clone();
                for path in [&mut settings.password_file, &mut settings.tls_root].into_iter().flatten() {
                    *path = short(path);
                }
                Written::Postgres(settings)
            }
        };
        serde_json::to_string(&written).map_err(|error| error.to_string())
    }

    fn place(&self, written: &str) -> Result<Place, String> {
        let written = serde_json::from_str(written);
        Ok(
            match written
                .map_err(|error| format!("the base store names a place that makes no sense: {error}"))?
            {
                Written::Sqlite(file) => Place::Sqlite(self.folder.join(file)),
                Written::Postgres(mut settings) => {
                    settings.resolve(&self.folder);
                    settings.name.clone_from(&self.server);
                    Place::Postgres(settings)
                }
            },
        )
    }

    fn reached(&self, home: HomeRecord) -> Result<GroupPlace, String> {
        let place = match self.own.get(&home.home) {
            Some(place) => place.clone(),
            None => self.place(&home.place)?,
        };
        Ok(GroupPlace { tag: home.home, place, expected: home.expected })
    }
}
