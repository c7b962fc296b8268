//! Somebody gives themselves another password.

use super::*;

const NEW: &str = "ebb at the eighth gate";

struct Browser<'a> {
    stand: &'a Stand,
    cookie: String,
}

impl Browser<'_> {
    fn head(&self) -> Vec<(&'static str, String)> {
        vec![
            ("cookie", self.cookie.clone()),
            ("origin", format!("http://{}", self.stand.afar)),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ]
    }

    async fn change(&self, old: &str, new: &str, again: &str) -> Answer {
        let [old, new, again] = [old, new, again].map(|it| it.replace(' ', "+"));
        let form = format!("old={old}&new={new}&again={again}");
        ask(self.stand.afar, "POST", "/password?lang=en", &self.head(), &form).await
    }

    async fn is_in(&self) -> bool {
        ask(self.stand.afar, "GET", "/password", &self.head(), "").await.code == 200
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_every_other_session_of_its_own_and_nobody_elses() {
    let stand = Stand::new().await;
    let browser = async |name: &str| Browser { stand: &stand, cookie: stand.session(stand.afar, name).await };
    let (here, elsewhere, wang) = (browser("lina").await, browser("lina").await, browser("wang").await);
    let form = ask(stand.afar, "GET", "/password?lang=en", &here.head(), "").await;
    for part in ["autocomplete=\"current-password\"", "minlength=\"10\"", "value=\"lina\"", "Old password"] {
        assert!(form.body.contains(part), "{part}: {}", form.body);
    }

    let done = here.change(PASSWORD, NEW, NEW).await;
    assert_eq!((done.code, done.header("location")), (303, Some("/password?done=yes")), "{done:?}");
    let cookie = done.cookie().unwrap();
    assert_ne!(cookie, here.cookie, "the session of before is no session any more");
    assert!(!here.is_in().await && !elsewhere.is_in().await);
    let here = Browser { stand: &stand, cookie };
    assert!(here.is_in().await && wang.is_in().await);
    let said = ask(stand.afar, "GET", "/password?done=yes", &here.head(), "").await;
    assert!(said.body.contains("密码已修改"), "{}", said.body);
    assert_eq!(stand.sign_in(stand.afar, "lina", PASSWORD).await.code, 401);
    assert_eq!(stand.sign_in(stand.afar, "lina", NEW).await.code, 303);
    assert_eq!(stand.sign_in(stand.afar, "wang", PASSWORD).await.code, 303);

    let told = stand.record("password-changed").await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&told["subject"], &told["facts"]["operator"]), (&"lina".into(), &"Li Na".into()));
    assert_eq!((&told["facts"]["role"], &told["facts"]["from"]), (&"operator".into(), &"127.0.0.1".into()));
    let all = ask(stand.served.page, "GET", "/api/v1/records?limit=500", &[], "").await.body;
    assert!(!all.contains("eighth") && !all.contains("argon2"), "no record holds a password or its hash");
    assert_eq!(stand.record("users-in-force").await.last().unwrap()["facts"]["changed"], "lina");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_taken_changes_nothing_and_is_slowed() {
    let stand = Stand::new().await;
    let lina = Browser { stand: &stand, cookie: stand.session(stand.afar, "lina").await };
    let before = fs::read(stand.path("users.toml")).unwrap();
    for (old, new, again, code, said) in [
        (PASSWORD, NEW, "ebb at the ninth gate", 422, "two different new passwords"),
        (PASSWORD, PASSWORD, PASSWORD, 422, "is the old one"),
        (PASSWORD, "short", "short", 422, "at least 10 characters"),
        (PASSWORD, "I am Lina of gate 7", "I am Lina of gate 7", 422, "must not contain your name"),
        ("not the old one", NEW, NEW, 403, "The old password is not right"),
    ] {
        let answer = lina.change(old, new, again).await;
        assert_eq!(answer.code, code, "{new}: {}", answer.body);
        assert!(answer.body.contains(said), "{new}: {}", answer.body);
        assert!(!answer.body.contains(new), "a page gives no password back");
    }
    // A token is nobody's browser, and another site's page is refused by the guard.
    let token = [
        ("authorization", format!("Bearer {}", hex::encode(token(Role::Operator)))),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let form = format!("old={0}&new={1}&again={1}", PASSWORD.replace(' ', "+"), NEW.replace(' ', "+"));
    assert_eq!(ask(stand.afar, "POST", "/password", &token, &form).await.code, 422);
    let mut elsewhere = lina.head();
    elsewhere[1].1 = "https://evil.example".to_owned();
    assert_eq!(ask(stand.afar, "POST", "/password", &elsewhere, &form).await.code, 403);
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(lina.change("still not it", NEW, NEW).await.code);
    }
    assert!(codes.contains(&429) && codes[0] == 403, "{codes:?}");
    assert!(lina.is_in().await, "whoever mistypes stays signed in");
    assert_eq!(fs::read(stand.path("users.toml")).unwrap(), before);
    assert!(stand.record("password-changed").await.is_empty());
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_file_that_cannot_be_changed_is_said_and_nothing_is_lost() {
    let stand = Stand::new().await;
    let lina = Browser { stand: &stand, cookie: stand.session(stand.afar, "lina").await };
    // The place of the next file is taken by a folder: it can be neither removed nor written.
    fs::create_dir(stand.path("users.toml.new")).unwrap();
    let answer = lina.change(PASSWORD, NEW, NEW).await;
    assert_eq!(answer.code, 503, "{}", answer.body);
    assert!(answer.body.contains("tidewaiter users passwd"), "{}", answer.body);
    assert!(lina.is_in().await);
    assert_eq!(stand.sign_in(stand.afar, "lina", PASSWORD).await.code, 303);
    stand.end().await;
}
