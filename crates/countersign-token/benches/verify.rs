//! What signing and verifying a token costs, in CPU time of the process: by this crate, and by jsonwebtoken over the
//! same cryptography. Then the slowest refusal among the attack tokens.
//!
//! `cargo bench -p countersign-token --bench verify -- [--json] [--rounds N] [--only ES256]`. The two take turns, many
//! tokens at a turn, and what is shown is the median of the turns. Both give each token an identifier of its own, of 128
//! random bits. `bench/tokens.py` compares with `PyJWT` as well.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot measure may stop")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, hint};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_token::{Algorithm, Issuer, KeySet, NewToken, SigningKey, VerificationKey, Verifier};
use cpu_time::{ProcessTime, ThreadTime};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";
const SUBJECT: &str = "user:01890a5d-ac96-774b-bcce-b302099a8057";
const CLIENT: &str = "web";
const SCOPE: &str = "items:read me";

/// How long one turn takes, about.
const TURN: Duration = Duration::from_millis(20);

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let rounds = value("--rounds").map_or(15, |rounds| rounds.parse().unwrap());
    let only = value("--only").map(|name| Algorithm::from_name(name).unwrap());
    let now = i64::try_from(get_current_timestamp()).unwrap();

    let algorithms = Algorithm::ALL.into_iter().filter(|algorithm| only.is_none_or(|only| only == *algorithm));
    let costs: BTreeMap<&str, Costs> =
        algorithms.map(|algorithm| (algorithm.name(), Bench::new(algorithm, now).costs(rounds))).collect();
    let refusal = slowest_refusal();
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{}", json!({ "cpu_us": costs, "slowest_refusal": refusal }));
    } else {
        print(&costs, refusal.as_ref());
    }
}

/// CPU microseconds of one token; jsonwebtoken does not know every algorithm.
#[derive(Serialize)]
struct Costs {
    sign: f64,
    verify: f64,
    jsonwebtoken_sign: Option<f64>,
    jsonwebtoken_verify: Option<f64>,
}

/// What the other library reads the claims into: the form that suits it best.
#[derive(Serialize, Deserialize)]
struct OwnClaims<T> {
    iss: T,
    sub: T,
    aud: T,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: T,
    scope: T,
}

/// The same key and the same claims on both sides, all that can be prepared prepared.
struct Bench {
    issuer: Issuer,
    verifier: Verifier,
    request: NewToken,
    token: String,
    now: i64,
    theirs: Option<Theirs>,
}

struct Theirs {
    header: Header,
    claims: OwnClaims<&'static str>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Bench {
    fn new(algorithm: Algorithm, now: i64) -> Self {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = KeySet::new(vec![key.verification_key()]).unwrap();
        let issuer = Issuer::new(ISSUER, key);
        let request = NewToken::for_subject(SUBJECT).client_id(CLIENT).audience(AUDIENCE).scope(SCOPE.parse().unwrap());
        let token = issuer.issue(&request, now).unwrap().token;
        let verifier = Verifier::new(ISSUER, AUDIENCE, keys);
        let theirs = Theirs::new(issuer.key(), now);
        Self { issuer, verifier, request, token, now, theirs }
    }

    fn costs(&self, rounds: usize) -> Costs {
        let mut sign = || drop(hint::black_box(self.issuer.issue(&self.request, self.now).unwrap()));
        let mut verify = || drop(hint::black_box(self.verifier.verify(&self.token, self.now).unwrap()));
        let Some(theirs) = &self.theirs else {
            let [sign, verify] = by_turns(rounds, [&mut sign, &mut verify]);
            return Costs { sign, verify, jsonwebtoken_sign: None, jsonwebtoken_verify: None };
        };
        let mut their_sign = || drop(hint::black_box(theirs.sign()));
        let mut their_verify = || drop(hint::black_box(theirs.verify(&self.token)));
        let costs = by_turns(rounds, [&mut sign, &mut their_sign, &mut verify, &mut their_verify]);
        let [sign, jsonwebtoken_sign, verify, jsonwebtoken_verify] = costs;
        let (jsonwebtoken_sign, jsonwebtoken_verify) = (Some(jsonwebtoken_sign), Some(jsonwebtoken_verify));
        Costs { sign, verify, jsonwebtoken_sign, jsonwebtoken_verify }
    }
}

impl Theirs {
    fn new(key: &SigningKey, now: i64) -> Option<Self> {
        let algorithm: jsonwebtoken::Algorithm = key.algorithm().name().parse().ok()?;
        let private = key.to_private_bytes();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&private));
        let (encoding, decoding) = match key.verification_key().to_jwk() {
            None => (EncodingKey::from_secret(&private), DecodingKey::from_secret(&private)),
            Some(jwk) => {
                let encoding = match jwk["kty"].as_str().unwrap() {
                    "EC" => EncodingKey::from_ec_der(&private),
                    "OKP" => EncodingKey::from_ed_der(&private),
                    _ => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
                };
                (encoding, DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk).unwrap()).unwrap())
            }
        };
        let claims = OwnClaims {
            iss: ISSUER,
            sub: SUBJECT,
            aud: AUDIENCE,
            exp: now + 1800,
            iat: now,
            jti: String::new(),
            client_id: CLIENT,
            scope: SCOPE,
        };
        let mut header = Header::new(algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid().to_owned());
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        Some(Self { header, claims, encoding, decoding, validation })
    }

    fn sign(&self) -> String {
        let mut id = [0; 16];
        rand::fill(&mut id).unwrap();
        let claims = OwnClaims { jti: URL_SAFE_NO_PAD.encode(id), ..self.claims };
        encode(&self.header, &claims, &self.encoding).unwrap()
    }

    fn verify(&self, token: &str) -> OwnClaims<String> {
        decode(token, &self.decoding, &self.validation).unwrap().claims
    }
}

/// The median CPU microseconds of each action, which take turns.
fn by_turns<const N: usize>(rounds: usize, mut actions: [&mut dyn FnMut(); N]) -> [f64; N] {
    let counts = actions.each_mut().map(|action| {
        let start = ProcessTime::now();
        let mut count: u32 = 0;
        while start.elapsed() < TURN {
            action();
            count += 1;
        }
        count
    });
    let mut turns: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for round in 0..rounds {
        for place in 0..N {
            // Nobody always comes first.
            let which = (place + round) % N;
            let start = ProcessTime::now();
            for _ in 0..counts[which] {
                actions[which]();
            }
            turns[which].push(start.elapsed().as_secs_f64() * 1e6 / f64::from(counts[which]));
        }
    }
    turns.map(median)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The refusal that takes the most time of all the attack tokens.
#[derive(Serialize)]
struct Refusal {
    id: String,
    cpu_us: f64,
    tokens: usize,
}

/// Each token is refused three times; the quickest of the three counts, as the others were disturbed.
fn slowest_refusal() -> Option<Refusal> {
    let beside_the_project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/attacks/tokens.jsonl");
    let path = env::var_os("ATTACK_TOKENS").map_or(beside_the_project, PathBuf::from);
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let settings = lines.next()?;
    let setting = |name: &str| settings[name].as_str().unwrap();
    let now = settings["now"].as_i64().unwrap();
    let refusals: Vec<Refusal> = lines
        .filter_map(|case| {
            let key = VerificationKey::from_jwk(&case["jwk"].to_string()).ok()?;
            let verifier = Verifier::new(setting("issuer"), setting("audience"), KeySet::new(vec![key]).ok()?);
            let token = case["token"].as_str()?;
            verifier.verify(token, now).err()?;
            let times = (0..3).map(|_| {
                let start = ThreadTime::now();
                let _ = hint::black_box(verifier.verify(token, now));
                start.elapsed().as_secs_f64() * 1e6
            });
            let quickest = times.fold(f64::INFINITY, f64::min);
            Some(Refusal { id: case["id"].as_str()?.to_owned(), cpu_us: quickest, tokens: 1 })
        })
        .collect();
    let tokens = refusals.len();
    let slowest = refusals.into_iter().max_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us))?;
    Some(Refusal { tokens, ..slowest })
}

fn print(costs: &BTreeMap<&str, Costs>, refusal: Option<&Refusal>) {
    println!("CPU microseconds a token        sign                        verify");
    println!("algorithm       ours jsonwebtoken  ratio       ours jsonwebtoken  ratio");
    for (name, costs) in costs {
        let column = |ours: f64, theirs: Option<f64>| match theirs {
            Some(theirs) => format!("{ours:>10.1} {theirs:>12.1} {:>6.2}", theirs / ours),
            None => format!("{ours:>10.1} {:>12} {:>6}", "-", "-"),
        };
        let sign = column(costs.sign, costs.jsonwebtoken_sign);
        println!("{name:<10}{sign} {}", column(costs.verify, costs.jsonwebtoken_verify));
    }
    match refusal {
        Some(Refusal { id, cpu_us, tokens }) => {
            println!("\nslowest refusal of {tokens} attack tokens: {id}, {cpu_us:.0} us (R-081: below 10 000)");
        }
        None => println!("\nslowest refusal: NOT MEASURED, no attack tokens here; name their file in ATTACK_TOKENS"),
    }
}
