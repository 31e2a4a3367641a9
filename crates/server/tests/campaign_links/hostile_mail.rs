//! Whole mails in a browser, with every hostile text that is known where candidates and recipients can write: no script runs, nothing
//! is fetched, no link leads where it must not. That the browser would notice is shown with what is not sanitised.

use kernel::ServerKeys;
use notification::{Destination, EventFacts, Job, Message, render_mail};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use testkit::Browser;

/// Notes what scripts do before any of the page's can run.
const WATCH: &str = "window.hits = [];
    for (const name of ['alert', 'confirm', 'prompt', 'eval', 'msgbox']) window[name] = text => { window.hits.push(name + ' ' + text); };";

/// Does to each element what a person can do, and says what is there that should not be.
const LOOK: &str = "
    document.addEventListener('click', event => event.preventDefault(), true);
    const found = [];
    for (const element of document.querySelectorAll('*')) {
        for (const kind of ['mouseover', 'mouseenter', 'focus', 'click', 'wheel', 'toggle', 'animationstart'])
            element.dispatchEvent(new Event(kind, {bubbles: true, cancelable: true}));
        for (const attribute of element.attributes)
            if (/^on/i.test(attribute.name) || /^[\\s\\x00-\\x20]*(javascript|vbscript|data)\\s*:/i.test(attribute.value))
                found.push(attribute.name + '=' + attribute.value);
        if (element.tagName === 'A' && !['http:', 'https:', 'mailto:'].includes(element.protocol)) found.push(element.outerHTML);
        if (element.closest('.words')) {
            if (!/^(A|BLOCKQUOTE|BR|CODE|EM|H[1-6]|HR|LI|OL|P|PRE|STRONG|UL|DIV)$/.test(element.tagName)) found.push(element.outerHTML);
        } else if (!/^(HTML|HEAD|META|TITLE|STYLE|BODY|DIV|TABLE|TBODY|TR|TD|P|H1|BDI|A|BR)$/.test(element.tagName)) found.push(element.outerHTML);
    }
    if (document.querySelectorAll('.words').length !== 1) found.push('the words are torn');
    if (!document.body.lastElementChild.textContent.includes('Unsubscribe')) found.push('the footer is gone');
    return {found: found.concat(window.hits), title: document.title};";

/// The same where everything is allowed.
const LOOK_AT_CONTROL: &str = "return {found: window.hits, title: document.title};";

/// Serves pages, and notes what else is asked of it.
struct Pages {
    url: String,
    others: Arc<Mutex<Vec<String>>>,
}

impl Pages {
    fn serve(pages: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let others = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&others);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &pages, &noted);
            }
        });
        Self { url, others }
    }

    /// What was asked for besides the pages.
    fn others(&self) -> Vec<String> {
        std::mem::take(&mut *self.others.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(mut stream: TcpStream, pages: &[String], others: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&part[..length]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = path
        .strip_prefix("/mail/")
        .and_then(|number| number.parse::<usize>().ok());
    let body = if let Some(page) = page.and_then(|number| pages.get(number)) {
        page.as_str()
    } else {
        // A browser asks for it by itself.
        if path != "/favicon.ico" {
            others.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        }
        ""
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()));
}

/// A mail in which somebody wrote this wherever they can.
fn mail_with(attack: &str) -> Option<String> {
    let event = EventFacts {
        id: "018f0000-0000-7000-8000-000000000001".parse().expect("an id"),
        title: attack.to_owned(),
        starts_at: "2030-01-25T09:00:00Z".parse().expect("a time"),
        ends_at: None,
        time_zone: "Asia/Kolkata".to_owned(),
        location: Some(attack.to_owned()),
    };
    let job = Job {
        id: "018f0000-0000-7000-8000-000000000002".parse().expect("an id"),
        name: attack.to_owned(),
        to: Destination::Email("reader@example.org".to_owned()),
        message: Message::Campaign {
            event,
            campaign_id: "018f0000-0000-7000-8000-000000000003".parse().expect("an id"),
            delivery_id: "018f0000-0000-7000-8000-000000000004".parse().expect("an id"),
            candidate: attack.to_owned(),
            talk_title: attack.to_owned(),
            subject: "{{ name }} {{ talk }}".to_owned(),
            body: format!("{attack}\n\n{{{{ name }}}} [x]({{{{ talk }}}}) **{{{{ place }}}}**\n\n{attack}"),
        },
        attempts: 0,
        created_at: "2030-01-15T09:00:00Z".parse().expect("a time"),
        user_id: None,
    };
    let keys = ServerKeys::new(vec![7; 32], Vec::new());
    render_mail(&job, "https://events.example.org", &keys)
        .ok()
        .map(|mail| mail.html)
}

#[tokio::test]
async fn no_mail_runs_fetches_or_leads_anywhere() {
    let Some(browser) = Browser::unless_left_out().await else {
        return;
    };
    let attacks = include_str!("../../../notification/src/campaign/attacks.json");
    let attacks: Vec<String> = serde_json::from_str(attacks).expect("texts");
    let mails: Vec<(String, String)> = attacks
        .into_iter()
        .filter_map(|attack| mail_with(&attack).map(|mail| (attack, mail)))
        .collect();
    // All but those that are refused as templates.
    assert!(mails.len() >= 220, "{}", mails.len());
    let mut pages: Vec<String> = mails.iter().map(|(_, mail)| mail.clone()).collect();
    let control = pages.len();
    pages.push("<p>Control</p><img src=x onerror=alert(1)><script>alert(2)</script>".to_owned());
    let pages = Pages::serve(pages);
    browser.before_each_page(WATCH).await;

    browser.open(&format!("{}/mail/{control}", pages.url)).await;
    let noticed = browser.evaluate(LOOK_AT_CONTROL).await;
    let noticed = noticed["found"].as_array().expect("a list").len();
    assert_eq!(
        (noticed, pages.others()),
        (2, vec!["/mail/x".to_owned()]),
        "the browser notices"
    );

    for (number, (attack, mail)) in mails.iter().enumerate() {
        browser.open(&format!("{}/mail/{number}", pages.url)).await;
        let seen = browser.evaluate(LOOK).await;
        assert_eq!(seen["found"], Value::Array(Vec::new()), "{attack:?}:\n{mail}");
        assert!(
            seen["title"].as_str().is_some_and(|title| !title.is_empty()),
            "{attack:?}"
        );
        let others = pages.others();
        assert!(others.is_empty(), "{attack:?} fetched {others:?}");
    }
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
}
