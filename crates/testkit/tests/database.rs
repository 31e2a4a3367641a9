//! Databases of each test's own: migrated, apart from one another, and gone afterwards.

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use storage::DbConn;
use storage::connection::Connector;
use testkit::{Kind, TestDatabase, on_both_databases};

on_both_databases! {
    it_is_migrated_and_of_the_kind_asked_for,
    tests_do_not_see_one_another,
    it_is_gone_afterwards,
    async_tests_have_a_runtime_of_several_threads,
    tests_may_give_a_result,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(database: &TestDatabase, table: &str) -> i64 {
    let sql = sql_query(format!("SELECT count(*) AS count FROM {table}"));
    let found = match &mut database.connect() {
        DbConn::Postgres(connection) => sql.get_result::<Count>(connection),
        DbConn::Sqlite(connection) => sql.get_result::<Count>(connection),
    };
    found.expect("a count").count
}

fn add_role(database: &TestDatabase) {
    let sql = "INSERT INTO roles (name, description, built_in) VALUES ('door', 'At the door.', FALSE)";
    database.connect().execute_batch(sql).expect("a role");
}

fn it_is_migrated_and_of_the_kind_asked_for(database: &TestDatabase) {
    assert_eq!(count(database, "roles"), 3);
    assert_eq!(count(database, "outbox"), 0);
    let connected_to = match database.connect() {
        DbConn::Postgres(_) => Kind::Postgres,
        DbConn::Sqlite(_) => Kind::Sqlite,
    };
    assert_eq!(connected_to, database.kind());
}

fn tests_do_not_see_one_another(database: &TestDatabase) {
    let other = TestDatabase::unless_left_out(database.kind()).expect("a second one");
    add_role(database);
    assert_eq!((count(database, "roles"), count(&other, "roles")), (4, 3));
}

fn it_is_gone_afterwards(database: TestDatabase) {
    let (kind, url, name) = (database.kind(), database.parsed_url(), database.name());
    let still_open = database.connect();
    drop(database);
    drop(still_open);
    match kind {
        Kind::Sqlite => assert!(!std::path::Path::new(&name).exists(), "{name} is still there"),
        Kind::Postgres => assert!(Connector::new(url).open().is_err(), "{name} is still there"),
    }
}

async fn async_tests_have_a_runtime_of_several_threads(database: TestDatabase) {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    assert_eq!(flavor, tokio::runtime::RuntimeFlavor::MultiThread);
    let counted = tokio::task::spawn_blocking(move || count(&database, "roles")).await;
    assert_eq!(counted.expect("the count"), 3);
}

async fn tests_may_give_a_result(database: TestDatabase) -> Result<(), std::io::Error> {
    if count(&database, "users") == 0 {
        Ok(())
    } else {
        Err(std::io::Error::other("users in a new database"))
    }
}

#[test]
fn a_failing_result_fails_its_test() {
    let failing = |_: TestDatabase| Err::<(), _>("told so");
    let run = std::panic::catch_unwind(|| testkit::both::run(Kind::Sqlite, failing));
    assert!(run.is_err());
    let failing = async |_: TestDatabase| Err::<(), _>("told so");
    let run = std::panic::catch_unwind(|| testkit::both::run(Kind::Sqlite, failing));
    assert!(run.is_err());
}
