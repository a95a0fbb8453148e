//! A new base store takes the store and its first people from the bootstrap file; an old one has them already.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseOpenError};
use crate::database::{Database, DbError, Sql};
use crate::params;
use argon2::password_hash::phc::PasswordHash;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::staff::{Bootstrap, Role};
use evertill_shared::protocol::store::StoreInfo;
use std::path::Path;

pub(super) async fn store_of(
    database: &Database,
    file: &Path,
    now: Timestamp,
) -> Result<StoreInfo, BaseOpenError> {
    if let Some(info) = database.read(read_store).await? {
        return Ok(info);
    }
    let bootstrap =
        load(file).map_err(|problem| BaseOpenError::Bootstrap { file: file.to_owned(), problem })?;
    let info = database
        .write(move |sql| {
            // Two servers may start on one new database: the first one's bootstrap counts.
            if let Some(info) = read_store(sql)? {
                return Ok(info);
            }
            insert(sql, &bootstrap, now)?;
            Ok::<_, BaseError>(bootstrap.store)
        })
        .await?;
    Ok(info)
}

fn read_store(sql: &dyn Sql) -> Result<Option<StoreInfo>, BaseError> {
    let text: Option<String> = sql.value("SELECT info FROM store", &[])?;
    text.map(|text| serde_json::from_str(&text).map_err(DbError::nonsense)).transpose().map_err(Into::into)
}

fn load(file: &Path) -> Result<Bootstrap, String> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("the base store is new and needs this file: {error}. `evertill-admin store create` makes it")
    })?;
    let bootstrap: Bootstrap = serde_json::from_str(&text)
        .map_err(|error| format!("not a bootstrap file: {error}. `evertill-admin store create` makes one"))?;
    if !bootstrap.staff.iter().any(|person| person.role == Role::It) {
        return Err(
            "nobody in it has the role `it`, so nobody could enrol a till: add one under `staff`".into()
        );
    }
    for person in &bootstrap.staff {
        if PasswordHash::new(&person.password_hash).is_err() {
            let login = &person.login;
            return Err(format!(
                "the password_hash of {login:?} is not an argon2id hash in PHC form ($argon2id$…)"
            ));
        }
    }
    Ok(bootstrap)
}

fn insert(sql: &dyn Sql, bootstrap: &Bootstrap, now: Timestamp) -> Result<(), BaseError> {
    let info = serde_json::to_string(&bootstrap.store).map_err(DbError::nonsense)?;
    sql.execute("INSERT INTO store (one, info, made_at) VALUES (1, ?1, ?2)", &params![info, now.0])?;
    sql.execute("INSERT INTO catalogue (one, version) VALUES (1, 0)", &[])?;
    for person in &bootstrap.staff {
        let row = params![&person.login, &person.name, person.role.as_str(), &person.password_hash, now.0];
        sql.execute(
            "INSERT INTO staff (login, name, role, password_hash, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            &row,
        )?;
        let what = NewAudit::new("bootstrap", AuditKind::StaffAdded, &person.login, person.role.as_str());
        audit::append(sql, &what, now)?;
    }
    Ok(())
}
