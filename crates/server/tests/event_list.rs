//! Lists of events: filters, orders, pages, and who sees drafts.

use chrono::TimeDelta;
use kernel::Clock;
use serde_json::{Value, json};
use testkit::{Client, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    each_filter_gives_what_fits_it,
    dates_of_filters_are_local_ones,
    each_order_is_total_and_its_reverse_is_the_reverse,
    pages_cover_the_list_once_while_events_are_added,
    drafts_are_seen_by_those_who_run_them_alone,
    a_total_counts_what_fits_the_filters,
    signs_of_patterns_in_a_search_mean_themselves,
}

struct Listed<'h> {
    harness: &'h Harness,
    organizer: Person,
}

impl Listed<'_> {
    async fn event(&self, title: &str, days: i64, change: impl FnOnce(&mut Value)) -> String {
        let mut fields = self.harness.event_fields(2);
        let start = self.harness.clock().now() + TimeDelta::days(days);
        fields["title"] = json!(title);
        fields["starts_at"] = json!(start.to_rfc3339());
        fields["ends_at"] = json!((start + TimeDelta::hours(2)).to_rfc3339());
        fields["time_zone"] = json!("UTC");
        fields["publish"] = json!(true);
        change(&mut fields);
        let made = self
            .organizer
            .client
            .post("/events")
            .json(fields)
            .await
            .expect(201);
        made.text_at("/id")
    }
}

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/events?{query}")).await.expect(200);
    let items = answer.items();
    items
        .iter()
        .map(|event| event["title"].as_str().expect("a title").to_owned())
        .collect()
}

async fn start(harness: &Harness) -> Listed<'_> {
    Listed {
        harness,
        organizer: harness.organizer().await,
    }
}

async fn each_filter_gives_what_fits_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    let other = Listed {
        harness: &harness,
        organizer: harness.organizer().await,
    };
    let full = listed
        .event("Zähne zählen", 1, |fields| fields["capacity"] = json!(1))
        .await;
    listed
        .event("Streams", 2, |fields| {
            fields["format"] = json!("virtual");
            fields["description"] = json!("Über Wasser");
            fields.as_object_mut().expect("fields").remove("location");
        })
        .await;
    other
        .event("Elsewhere", 3, |fields| {
            fields["location"] = json!("Old Mill, Hamburg");
        })
        .await;
    let gone = other.event("Gone", 4, |_| {}).await;
    other
        .organizer
        .client
        .post(&format!("/events/{gone}/cancel"))
        .await
        .expect(200);
    let asha = harness.attendee("asha").await;
    asha.client
        .post(&format!("/events/{full}/registrations"))
        .await
        .expect(201);

    let client = harness.client();
    assert_eq!(titles(&client, "q=Z%C3%84HNE").await, ["Zähne zählen"]);
    assert_eq!(
        titles(&client, "q=%C3%BCber").await,
        ["Streams"],
        "descriptions are searched too"
    );
    assert_eq!(titles(&client, "location=old+mill").await, ["Elsewhere"]);
    assert_eq!(titles(&client, "format=virtual").await, ["Streams"]);
    assert_eq!(titles(&client, "status=cancelled").await, ["Gone"]);
    assert_eq!(
        titles(&client, "status=published").await,
        ["Zähne zählen", "Streams", "Elsewhere"]
    );
    let by_other = format!("organizer_id={}", other.organizer.id);
    assert_eq!(titles(&client, &by_other).await, ["Elsewhere", "Gone"]);
    assert_eq!(
        titles(&client, "has_seats=true&status=published").await,
        ["Streams", "Elsewhere"]
    );
    assert_eq!(
        titles(&client, "has_seats=false&status=published").await,
        ["Zähne zählen"]
    );
    assert_eq!(
        titles(&client, "format=virtual&q=hne").await,
        [""; 0],
        "filters are all to fit"
    );
    assert_eq!(
        titles(&client, &format!("{by_other}&status=published")).await,
        ["Elsewhere"]
    );
}

async fn dates_of_filters_are_local_ones(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    let at = |fields: &mut Value, start: &str, end: &str| {
        fields["time_zone"] = json!("Asia/Kolkata");
        fields["starts_at"] = json!(start);
        fields["ends_at"] = json!(end);
    };
    listed
        .event("Before midnight", 1, |f| {
            at(f, "2030-03-01T18:29:00Z", "2030-03-01T20:00:00Z");
        })
        .await;
    listed
        .event("After midnight", 1, |f| {
            at(f, "2030-03-01T18:31:00Z", "2030-03-01T20:00:00Z");
        })
        .await;
    let client = harness.client();
    assert_eq!(titles(&client, "from=2030-03-02").await, ["After midnight"]);
    assert_eq!(titles(&client, "to=2030-03-01").await, ["Before midnight"]);
    assert_eq!(titles(&client, "from=2030-03-01&to=2030-03-02").await.len(), 2);
    assert_eq!(titles(&client, "from=2030-03-02&to=2030-03-01").await.len(), 0);
}

async fn each_order_is_total_and_its_reverse_is_the_reverse(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    // Some start and are made at the same moment: the order must be told by something else then.
    for (title, days) in [("c", 3), ("a", 1), ("b1", 2), ("b2", 2), ("b3", 2)] {
        listed.event(title, days, |_| {}).await;
    }
    let client = harness.client();
    let soonest = titles(&client, "").await;
    assert_eq!((soonest[0].as_str(), soonest[4].as_str()), ("a", "c"));
    assert_eq!(soonest, titles(&client, "sort=starts_at").await);
    for sort in ["starts_at", "created_at"] {
        let up = titles(&client, &format!("sort={sort}")).await;
        let mut down = titles(&client, &format!("sort=-{sort}")).await;
        down.reverse();
        assert_eq!(up, down, "{sort}");
        assert_eq!(
            paged(&client, &format!("sort=-{sort}"), 2, async |_| {})
                .await
                .len(),
            5
        );
    }
    let made = titles(&client, "sort=created_at").await;
    assert_eq!(made, ["c", "a", "b1", "b2", "b3"]);
}

/// All titles, page by page, with something done between pages.
async fn paged(client: &Client, query: &str, limit: u32, between: impl AsyncFn(usize)) -> Vec<String> {
    let mut all = Vec::new();
    let mut path = format!("/events?{query}&limit={limit}");
    for page in 0.. {
        let answer = client.get(&path).await.expect(200);
        let items = answer.items();
        assert!(items.len() <= limit as usize);
        all.extend(
            items
                .iter()
                .map(|event| event["title"].as_str().expect("a title").to_owned()),
        );
        match answer.json()["next_cursor"].as_str() {
            Some(cursor) => path = format!("/events?{query}&limit={limit}&cursor={cursor}"),
            None => break,
        }
        between(page).await;
    }
    all
}

async fn pages_cover_the_list_once_while_events_are_added(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    for number in 0..9 {
        listed.event(&format!("old {number}"), 10 + number, |_| {}).await;
    }
    for sort in ["starts_at", "-starts_at", "created_at", "-created_at"] {
        let seen = paged(&harness.client(), &format!("sort={sort}"), 2, async |page| {
            let days = if page % 2 == 0 { 1 } else { 200 };
            listed.event(&format!("new {sort} {page}"), days, |_| {}).await;
        })
        .await;
        let mut old: Vec<&String> = seen.iter().filter(|title| title.starts_with("old")).collect();
        old.sort();
        old.dedup();
        assert_eq!(old.len(), 9, "{sort}: {seen:?}");
        let mut all = seen.clone();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), seen.len(), "{sort} shows something twice: {seen:?}");
    }
}

async fn drafts_are_seen_by_those_who_run_them_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    let draft = listed
        .event("Secret", 1, |fields| fields["publish"] = json!(false))
        .await;
    let (stranger, admin, other) = (
        harness.attendee("asha").await,
        harness.admin().await,
        harness.organizer().await,
    );
    for client in [&harness.client(), &stranger.client, &other.client] {
        assert_eq!(titles(client, "").await, [""; 0]);
        assert_eq!(titles(client, "status=draft").await, [""; 0]);
        assert_eq!(titles(client, "q=secret").await, [""; 0]);
        client.get(&format!("/events/{draft}")).await.expect(404);
    }
    for client in [&listed.organizer.client, &admin.client] {
        assert_eq!(titles(client, "status=draft").await, ["Secret"]);
        client.get(&format!("/events/{draft}")).await.expect(200);
    }
    // What a manager read is not kept for others.
    harness
        .client()
        .get(&format!("/events/{draft}"))
        .await
        .expect(404);
    let own = listed
        .organizer
        .client
        .get("/users/me/events")
        .await
        .expect(200)
        .items();
    assert_eq!(own.len(), 1);
    assert_eq!(
        other
            .client
            .get("/users/me/events")
            .await
            .expect(200)
            .items()
            .len(),
        0
    );
}

async fn a_total_counts_what_fits_the_filters(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    for number in 0..4 {
        listed
            .event(&format!("talk {}", number % 2), 1 + number, |_| {})
            .await;
    }
    let with = harness
        .client()
        .get("/events?q=talk+1&limit=1&include_total=true")
        .await
        .expect(200)
        .json();
    assert_eq!(with["total"], 2);
    let without = harness
        .client()
        .get("/events?q=talk+1&limit=1")
        .await
        .expect(200)
        .json();
    assert!(without.get("total").is_none_or(Value::is_null));
}

async fn signs_of_patterns_in_a_search_mean_themselves(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let listed = start(&harness).await;
    listed.event("100% sure", 1, |_| {}).await;
    listed.event("snake_case", 2, |_| {}).await;
    listed.event("back\\slash", 3, |_| {}).await;
    listed.event("plain", 4, |_| {}).await;
    let client = harness.client();
    assert_eq!(titles(&client, "q=%25").await, ["100% sure"]);
    assert_eq!(titles(&client, "q=_").await, ["snake_case"]);
    assert_eq!(titles(&client, "q=%5C").await, ["back\\slash"]);
    assert_eq!(titles(&client, "q='").await, [""; 0]);
}
