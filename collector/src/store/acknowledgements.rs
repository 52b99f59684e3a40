//! Acknowledgements, each as JSON under what it acknowledges.

use rusqlite::{Connection, params};

use crate::acknowledgements::{Acknowledgement, Trouble};

/// The table. An id is never used twice, so that whoever takes one back late takes no other's.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS acknowledgements (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    trouble TEXT NOT NULL UNIQUE,
    given   TEXT NOT NULL
) STRICT;
";

/// Keeps one in place of what was said before of the same trouble, and gives its id.
pub fn put(
    connection: &Connection,
    of: &Trouble,
    given: &Acknowledgement,
) -> rusqlite::Result<i64> {
    let insert = "INSERT OR REPLACE INTO acknowledgements (trouble, given) VALUES (?1, ?2)";
    connection.execute(insert, params![key(of), json(given)])?;
    Ok(connection.last_insert_rowid())
}

/// Forgets what was said of a trouble.
pub fn forget(connection: &Connection, of: &Trouble) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM acknowledgements WHERE trouble = ?1", [key(of)]).map(drop)
}

/// All of them. One that is not understood was not written by this program and is passed over.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<(Trouble, Acknowledgement)>> {
    let mut select = connection.prepare("SELECT id, trouble, given FROM acknowledgements")?;
    let rows = select.query_map([], |row| {
        let (id, of, given): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let given = serde_json::from_str::<Acknowledgement>(&given).ok();
        let given = given.map(|given| Acknowledgement { id, ..given });
        Ok(serde_json::from_str(&of).ok().zip(given))
    })?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn key(of: &Trouble) -> String {
    json(of)
}

fn json(value: &impl serde::Serialize) -> String {
    // It fails for maps whose keys are not texts, and there are none here.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acknowledgements::tests::given;
    use crate::store;

    #[test]
    fn the_latest_word_of_a_trouble_is_the_one_that_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path()).unwrap();
        let of = Trouble::Uplink("pop 1".to_owned());
        let first = put(&store, &of, &given(1)).unwrap();
        let second = put(&store, &of, &given(2)).unwrap();
        assert!(second > first);
        let kept = all(&store).unwrap();
        assert_eq!(kept, [(of.clone(), Acknowledgement { id: second, ..given(2) })]);
        forget(&store, &of).unwrap();
        assert!(all(&store).unwrap().is_empty());
    }
}
