//! Scopes as types: what a route demands is part of its signature.

use countersign_token::ScopeSet;

/// One scope of an API, as a unit struct.
///
/// ```
/// use countersign_axum::Scope;
///
/// struct ItemsRead;
///
/// impl Scope for ItemsRead {
///     const NAME: &'static str = "items:read";
///     const DESCRIPTION: &'static str = "Read items.";
/// }
/// ```
///
/// A name that is no scope token of RFC 6749 section 3.3 does not compile where it is demanded. `cargo build` says so;
/// `cargo check` does not look that far.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope",
    label = "not a scope",
    note = "a scope is a unit struct of yours: `impl Scope for {Self} {{ const NAME: &'static str = \"items:read\"; const DESCRIPTION: &'static str = \"Read items.\"; }}`",
    note = "`Scoped` takes one scope, or a tuple of up to eight"
)]
pub trait Scope {
    /// The scope token, compared whole and by case (RFC 6749 section 3.3).
    const NAME: &'static str;
    /// What the scope allows, for the OpenAPI document and its Authorize dialog.
    const DESCRIPTION: &'static str;
}

/// The name and the meaning of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeInfo {
    /// The scope token.
    pub name: &'static str,
    /// What it allows.
    pub description: &'static str,
}

/// The scopes that a route demands, all of them: a [`Scope`], or a tuple of up to eight.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of scopes",
    label = "neither a scope nor a tuple of scopes",
    note = "a scope is a unit struct of yours: `impl Scope for ItemsRead {{ const NAME: &'static str = \"items:read\"; const DESCRIPTION: &'static str = \"Read items.\"; }}`",
    note = "several scopes are a tuple of up to eight: `Scoped<(ItemsRead, ItemsWrite)>`"
)]
pub trait RequiredScopes {
    /// Calls `visit` for each scope, in the order of declaration.
    fn for_each(visit: &mut dyn FnMut(ScopeInfo));
}

impl<T: Scope> RequiredScopes for T {
    fn for_each(visit: &mut dyn FnMut(ScopeInfo)) {
        const {
            assert!(
                is_scope_token(T::NAME),
                "a scope's NAME is one word of printable ASCII without quotes or backslashes, such as `items:read` (RFC 6749 section 3.3)"
            );
        }
        visit(ScopeInfo { name: T::NAME, description: T::DESCRIPTION });
    }
}

macro_rules! tuples_require_all {
    ($(($($member:ident),+))+) => { $(
        impl<$($member: RequiredScopes),+> RequiredScopes for ($($member,)+) {
            fn for_each(visit: &mut dyn FnMut(ScopeInfo)) {
                $( $member::for_each(visit); )+
            }
        }
    )+ };
}

tuples_require_all! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

/// Whether `granted` holds every scope of `R`.
pub(crate) fn satisfies<R: RequiredScopes>(granted: &ScopeSet) -> bool {
    let mut satisfied = true;
    R::for_each(&mut |scope| satisfied &= granted.contains(scope.name));
    satisfied
}

/// The scopes of `R`, each once, in the order of declaration.
pub(crate) fn collect<R: RequiredScopes>() -> Vec<ScopeInfo> {
    let mut scopes: Vec<ScopeInfo> = Vec::new();
    R::for_each(&mut |scope| {
        if scopes.iter().all(|known| known.name != scope.name) {
            scopes.push(scope);
        }
    });
    scopes
}

/// The scopes of `R`, for a challenge. The names are scope tokens, or `R` would not have compiled.
pub(crate) fn required<R: RequiredScopes>() -> ScopeSet {
    ScopeSet::from_tokens(collect::<R>().into_iter().map(|scope| scope.name)).unwrap_or_default()
}

/// `1*( %x21 / %x23-5B / %x5D-7E )`
const fn is_scope_token(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if rest.is_empty() {
        return false;
    }
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
            return false;
        }
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Read;
    impl Scope for Read {
        const NAME: &'static str = "items:read";
        const DESCRIPTION: &'static str = "Read items.";
    }

    struct Write;
    impl Scope for Write {
        const NAME: &'static str = "items:write";
        const DESCRIPTION: &'static str = "Write items.";
    }

    fn names<R: RequiredScopes>() -> Vec<&'static str> {
        collect::<R>().into_iter().map(|scope| scope.name).collect()
    }

    #[test]
    fn a_tuple_demands_all_of_its_members_each_once() {
        assert_eq!(names::<Read>(), ["items:read"]);
        assert_eq!(names::<(Write, Read, Write)>(), ["items:write", "items:read"]);
        assert_eq!(names::<((Read,), (Write, Read))>(), ["items:read", "items:write"]);
    }

    #[test]
    fn scopes_are_compared_whole_and_by_case() {
        // R-039
        let granted = |text: &str| ScopeSet::parse(text).expect("a scope");
        assert!(satisfies::<Read>(&granted("other items:read")));
        for near in ["", "items", "items:reader", "xitems:read", "ITEMS:READ", "items:write"] {
            assert!(!satisfies::<Read>(&granted(near)), "{near:?}");
        }
        assert!(!satisfies::<(Read, Write)>(&granted("items:read")));
        assert!(satisfies::<(Read, Write)>(&granted("items:read items:write")));
    }

    #[test]
    fn scope_tokens_are_those_of_rfc_6749() {
        for good in ["a", "items:read", "!", "~", "[x]"] {
            assert!(is_scope_token(good), "{good:?}");
        }
        for bad in ["", " ", "a b", "a\"", "a\\", "a\u{7f}", "é", "a\n"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }
}
