//! Cars and blog posts: who owns them, who may act on them, and the tokens that the owners make.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use countersign_axum::fastapi::{FieldError, HttpException, JsonBody};
use countersign_axum::form::TokenAnswer;
use countersign_axum::token::{NewToken, ScopeSet, Subject};
use countersign_axum::{Clock, CurrentUser, Entitled, Entity, Scope, routes};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::{App, User};

struct Car;
impl Entity for Car {
    const KIND: &'static str = "car";
}

struct Post;
impl Entity for Post {
    const KIND: &'static str = "post";
}

struct Drive;
impl Scope for Drive {
    const NAME: &'static str = "drive";
    const DESCRIPTION: &'static str = "Drive the car.";
}

struct Unlock;
impl Scope for Unlock {
    const NAME: &'static str = "unlock";
    const DESCRIPTION: &'static str = "Unlock the car, to put a parcel into it.";
}

struct Edit;
impl Scope for Edit {
    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str = "Edit the blog post.";
}

/// A day: whoever lends a thing lends it for no longer.
const LONGEST_S: u32 = 24 * 60 * 60;

/// What there is. A car, a post and a user may all be called `foo`, and are three.
#[derive(Clone)]
pub(crate) struct Things {
    owners: Arc<HashMap<(&'static str, &'static str), &'static str>>,
    posts: Arc<RwLock<HashMap<String, String>>>,
}

impl Default for Things {
    fn default() -> Self {
        let owners = [((Car::KIND, "foo"), "ada"), ((Car::KIND, "bar"), "bob"), ((Post::KIND, "foo"), "ada")];
        let posts = HashMap::from([("foo".to_owned(), "On engines.".to_owned())]);
        Self { owners: Arc::new(HashMap::from(owners)), posts: Arc::new(RwLock::new(posts)) }
    }
}

impl Things {
    fn are_owned(&self, kind: &str, id: &str, user: &str) -> bool {
        self.owners.iter().any(|(thing, owner)| *thing == (kind, id) && *owner == user)
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(lend_car))
        .routes(routes!(drive_car))
        .routes(routes!(unlock_car))
        .routes(routes!(lend_post))
        .routes(routes!(read_post, edit_post))
}

/// What may be done, and for how long
#[derive(Deserialize, ToSchema)]
struct Loan {
    /// Permissions, parted by spaces.
    #[schema(value_type = String, min_length = 1)]
    scope: ScopeSet,
    /// At most a day.
    seconds: u32,
}

/// Lend a car
///
/// A token to `drive` or to `unlock` it, for whoever its owner gives it to.
#[utoipa::path(post, path = "/cars/{car}/tokens", params(("car" = String, Path)))]
async fn lend_car(
    State(app): State<App>,
    CurrentUser(owner): CurrentUser<User>,
    Path(id): Path<String>,
    JsonBody(loan): JsonBody<Loan>,
) -> Result<TokenAnswer, HttpException> {
    lend::<Car>(&app, &owner, &id, loan, &[Drive::NAME, Unlock::NAME])
}

/// Let a blog post be edited
///
/// A token to `edit` it, for whoever its author gives it to.
#[utoipa::path(post, path = "/posts/{post}/tokens", params(("post" = String, Path)))]
async fn lend_post(
    State(app): State<App>,
    CurrentUser(owner): CurrentUser<User>,
    Path(id): Path<String>,
    JsonBody(loan): JsonBody<Loan>,
) -> Result<TokenAnswer, HttpException> {
    lend::<Post>(&app, &owner, &id, loan, &[Edit::NAME])
}

/// A token for the thing, from its owner and nobody else, with permissions that the owner has. It is good for nothing but
/// the thing, not even for making another.
fn lend<E: Entity>(
    app: &App,
    owner: &User,
    id: &str,
    loan: Loan,
    permissions: &[&str],
) -> Result<TokenAnswer, HttpException> {
    if !app.things.are_owned(E::KIND, id, &owner.name) {
        return Err(HttpException::new(StatusCode::FORBIDDEN, "It is not yours to lend"));
    }
    let permissions = ScopeSet::from_tokens(permissions).unwrap_or_default().intersection(&owner.permissions);
    if !permissions.contains_all(&loan.scope) {
        return Err(HttpException::new(StatusCode::FORBIDDEN, "These permissions are not yours to lend"));
    }
    if !(1..=LONGEST_S).contains(&loan.seconds) {
        return Err(FieldError::value_error("seconds", "a loan is for a second at least, and a day at most").into());
    }
    let unknown = |_| HttpException::new(StatusCode::NOT_FOUND, "There is no such thing");
    let thing = Subject::new(E::KIND, id).map_err(unknown)?;
    let request = NewToken::for_subject(thing.as_str()).scope(loan.scope).lifetime_s(loan.seconds.into());
    Ok(TokenAnswer::fastapi(app.issuer.issue(&request, Clock::system().now())?.token))
}

/// Drive this very car
#[utoipa::path(post, path = "/cars/{car}/drive")]
async fn drive_car(car: Entitled<Car, Drive>) -> Json<Value> {
    Json(json!({ "car": car.id(), "state": "driving" }))
}

/// Unlock this very car
#[utoipa::path(post, path = "/cars/{car}/unlock")]
async fn unlock_car(car: Entitled<Car, Unlock>) -> Json<Value> {
    Json(json!({ "car": car.id(), "state": "unlocked" }))
}

/// Read a blog post
#[utoipa::path(get, path = "/posts/{post}", params(("post" = String, Path)), responses((status = 404)))]
async fn read_post(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, HttpException> {
    let posts = app.things.posts.read().unwrap_or_else(PoisonError::into_inner);
    let text = posts.get(&id).ok_or_else(|| HttpException::new(StatusCode::NOT_FOUND, "There is no such post"))?;
    Ok(Json(json!({ "post": id, "text": text })))
}

/// The new text
#[derive(Deserialize, ToSchema)]
struct Text {
    #[schema(max_length = 1000)]
    text: String,
}

/// Edit this very blog post
#[utoipa::path(put, path = "/posts/{post}")]
async fn edit_post(State(app): State<App>, post: Entitled<Post, Edit>, JsonBody(new): JsonBody<Text>) -> Json<Value> {
    let answer = json!({ "post": post.id(), "text": new.text });
    app.things.posts.write().unwrap_or_else(PoisonError::into_inner).insert(post.id().to_owned(), new.text);
    Json(answer)
}
