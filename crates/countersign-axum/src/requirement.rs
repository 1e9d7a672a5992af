//! What an extractor demands of a request, as facts: the documents of utoipa and aide are both written from these.

use crate::scope::ScopeInfo;

/// The name of the security scheme in the OpenAPI document; FastAPI's name for the same.
pub const SECURITY_SCHEME: &str = "OAuth2PasswordBearer";

/// What an extractor demands of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// A request without a token passes as well.
    pub optional: bool,
    /// The scopes that the token must carry, all of them.
    pub scopes: Vec<ScopeInfo>,
    /// The parameters of the path by which the check knows what the request concerns.
    pub path_parameters: Vec<&'static str>,
    /// The check looks something up, and answers 503 when it cannot.
    pub looks_up: bool,
}

impl Requirement {
    /// A good token, whatever its scopes.
    pub fn token() -> Self {
        Self::default()
    }

    /// The same, but a request without a token passes as well.
    #[must_use]
    pub fn or_nothing(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same, with these scopes demanded besides.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = ScopeInfo>) -> Self {
        for scope in scopes {
            if self.scopes.iter().all(|known| known.name != scope.name) {
                self.scopes.push(scope);
            }
        }
        self
    }

    /// The same, and the path says in a parameter of this name what the request concerns.
    #[must_use]
    pub fn with_path_parameter(mut self, name: &'static str) -> Self {
        if !self.path_parameters.contains(&name) {
            self.path_parameters.push(name);
        }
        self
    }

    /// The same, and something is looked up, which may fail with 503.
    #[must_use]
    pub fn with_look_up(mut self) -> Self {
        self.looks_up = true;
        self
    }
}

/// An extractor that demands something and says what: the guards of this crate, and extractors built of them.
///
/// An extractor of your own that lets a guard do the work hands on what the guard demands:
///
/// ```
/// use countersign_axum::{CurrentUser, Requirement, Requires};
///
/// struct User { disabled: bool }
/// struct ActiveUser(User);
///
/// impl Requires for ActiveUser {
///     fn requirement() -> Requirement {
///         CurrentUser::<User>::requirement()
///     }
/// }
/// ```
pub trait Requires {
    /// What is demanded.
    fn requirement() -> Requirement;
}

impl<T: Requires> Requires for Option<T> {
    fn requirement() -> Requirement {
        T::requirement().or_nothing()
    }
}

/// The handler looks at the refusal itself; one that always hands it on should demand `T` plainly, or the document calls
/// the route open.
impl<T: Requires, E> Requires for Result<T, E> {
    fn requirement() -> Requirement {
        T::requirement().or_nothing()
    }
}
