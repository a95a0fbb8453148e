//! What must not work, tried with a client that sends what it likes.

use super::shop::Shop;
use evertill_shared::secret::SecretText;
use evertill_tests::store_rig::StoreRig;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, StatusCode, redirect::Policy};

/// A client that keeps its cookies by hand.
pub struct Forger {
    client: Client,
    base: String,
    cookies: Vec<String>,
}

impl Forger {
    pub fn new(rig: &StoreRig) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = rig
            .trust()
            .root_certificates
            .iter()
            .map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
        let client = Client::builder().tls_certs_only(roots).redirect(Policy::none()).build().unwrap();
        Self { client, base: rig.server_url(), cookies: Vec::new() }
    }

    async fn take(&mut self, response: Response) -> (StatusCode, String, String) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|old| !old.starts_with(&format!("{name}=")));
            self.cookies.push(pair);
        }
        let to = response.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        (response.status(), to.unwrap_or_default(), response.text().await.unwrap())
    }

    pub async fn get(&mut self, path: &str) -> (StatusCode, String, String) {
        let request = self.client.get(format!("{}{path}", self.base)).header(COOKIE, self.cookies.join("; "));
        let response = request.send().await.unwrap();
        self.take(response).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String, String) {
        let body = form.iter().map(|(k, v)| format!("{k}={}", v.replace('+', "%2B").replace(' ', "+")));
        let body = body.collect::<Vec<_>>().join("&");
        let request =
            self.client.post(format!("{}{path}", self.base)).header(COOKIE, self.cookies.join("; "));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.unwrap();
        self.take(response).await
    }

    pub async fn log_in(&mut self, login: &str) {
        let (_, _, page) = self.get("/console/login").await;
        let password = format!("{login}-evertill");
        let form =
            [("csrf", token(&page)), ("login", login), ("password", &password), ("next", "//evil.example/")];
        let (status, to, _) = self.post("/console/login", &form).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/orders"));
    }
}

pub fn token(page: &str) -> &str {
    let start = page.find("name=\"csrf\" value=\"").unwrap() + "name=\"csrf\" value=\"".len();
    page[start..].split('"').next().unwrap()
}

fn refund<'a>(csrf: &'a str, request: &'a str) -> [(&'a str, &'a str); 5] {
    [("csrf", csrf), ("request", request), ("what", "part"), ("amount", "1.00"), ("reason", "because")]
}

#[test]
fn only_managers_ask_for_refunds_whatever_is_sent() {
    let mut shop = Shop::open();
    let number = shop.cash(800);
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let it = rig.staff("it").await.unwrap();
        let password = SecretText::new("chen-evertill".into());
        let new = evertill_shared::protocol::staff::NewStaff {
            login: "chen".into(),
            name: "Chen Hao".into(),
            role: evertill_shared::protocol::staff::Role::Cashier,
            password,
        };
        it.add_staff(&new).await.unwrap();
        let path = format!("/console/orders/{number}/refunds");
        for login in ["chen", "it"] {
            let mut person = Forger::new(rig);
            person.log_in(login).await;
            let (status, _, page) = person.get(&format!("/console/orders/{number}")).await;
            assert_eq!(status, StatusCode::OK);
            assert!(!page.contains("refund-form") && page.contains("Only managers can ask for refunds."));
            let (status, _, page) = person.post(&path, &refund(token(&page), "forged-by-hand-1")).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
            assert!(page.contains("You may not do this"));
        }
        let mut cashier = Forger::new(rig);
        cashier.log_in("chen").await;
        for page in [
            "/console/terminals",
            "/console/terminals/T0001",
            "/console/staff",
            "/console/audit",
            "/console/groups",
            "/console/approvals",
        ] {
            assert_eq!(cashier.get(page).await.0, StatusCode::FORBIDDEN, "{page}");
        }
        let (_, _, page) = cashier.get("/console/orders").await;
        let csrf = token(&page).to_owned();
        for page in [
            "/console/terminals",
            "/console/terminals/T0001/block",
            "/console/terminals/T0001/activate",
            "/console/terminals/T0001/retire",
            "/console/staff",
            "/console/staff/left",
            "/console/staff/pin",
            "/console/staff/card",
            "/console/approvals",
            &format!("/console/orders/{number}/accept"),
            &format!("/console/orders/{number}/finished"),
        ] {
            let form = [("csrf", csrf.as_str()), ("reason", "x"), ("name", "x"), ("role", "it")];
            assert_eq!(cashier.post(page, &form).await.0, StatusCode::FORBIDDEN, "{page}");
        }
        assert!(till.refunds().await.unwrap().refunds.is_empty());
    });
}

#[test]
fn a_form_that_our_page_did_not_make_does_nothing() {
    let mut shop = Shop::open();
    let number = shop.cash(800);
    let Shop { runtime, rig, till, .. } = &shop;
    runtime.block_on(async {
        let path = format!("/console/orders/{number}/refunds");
        let (mut li, mut wang) = (Forger::new(rig), Forger::new(rig));
        li.log_in("li").await;
        wang.log_in("wang").await;
        let (_, _, hers) = wang.get("/console/orders").await;
        for csrf in ["", "00", token(&hers), &"0".repeat(64)] {
            let (status, _, page) = li.post(&path, &refund(csrf, "forged-by-hand-2")).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert!(page.contains("This form is too old"), "{page}");
        }
        // The right token, but the browser says that the request comes from a page elsewhere.
        let (_, _, page) = li.get("/console/orders").await;
        let request = li.client.post(format!("{}{path}", li.base)).header(COOKIE, li.cookies.join("; "));
        let body = format!("csrf={}&request=forged-by-hand-3&what=part&amount=1.00&reason=x", token(&page));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        // Not logged in at all.
        let (status, to, _) = Forger::new(rig).post(&path, &refund(token(&page), "forged-by-hand-4")).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/console/login?next=%2Fconsole%2Forders"));
        assert!(till.refunds().await.unwrap().refunds.is_empty());
        // And the honest form works, once.
        for _ in 0..2 {
            let (status, ..) = li.post(&path, &refund(token(&page), "asked-by-hand-5")).await;
            assert_eq!(status, StatusCode::SEE_OTHER);
        }
        assert_eq!(till.refunds().await.unwrap().refunds.len(), 1);
    });
}

#[test]
fn pages_carry_the_headers_that_keep_strangers_out() {
    let shop = Shop::open();
    shop.runtime.block_on(async {
        let mut person = Forger::new(&shop.rig);
        let log_in = person.client.get(format!("{}/console/login", person.base)).send().await.unwrap();
        let cookie = log_in.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        for part in ["__Host-", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{part} is missing in {cookie}");
        }
        person.log_in("li").await;
        for path in ["/console/orders", "/console/login", "/console/nothing", "/console/assets/nothing"] {
            let request = person.client.get(format!("{}{path}", person.base));
            let answer = request.header(COOKIE, person.cookies.join("; ")).send().await.unwrap();
            let headers = answer.headers();
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
                "{path}"
            );
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["cache-control"], "no-store", "{path}");
        }
        let (_, _, page) = person.get("/console/orders").await;
        let start = page.find("/console/assets/console.css").unwrap();
        let sheet = page[start..].split('"').next().unwrap();
        let answer = person.client.get(format!("{}{sheet}", person.base)).send().await.unwrap();
        assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(answer.headers()["content-type"], "text/css; charset=utf-8");
    });
}

#[test]
fn guessing_passwords_is_slowed_down_and_said_so() {
    let shop = Shop::open();
    shop.runtime.block_on(async {
        let mut guesser = Forger::new(&shop.rig);
        let (_, _, page) = guesser.get("/console/login").await;
        let csrf = token(&page).to_owned();
        let mut last = StatusCode::OK;
        for _ in 0..8 {
            let form = [("csrf", csrf.as_str()), ("login", "li"), ("password", "guess-guess")];
            last = guesser.post("/console/login", &form).await.0;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
        let form = [("csrf", csrf.as_str()), ("login", "li"), ("password", "li-evertill")];
        let (status, _, page) = guesser.post("/console/login", &form).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "the right password gave the guesser away");
        assert!(page.contains("Too many wrong tries."), "{page}");
    });
}
