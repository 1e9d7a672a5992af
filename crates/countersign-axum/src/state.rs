//! Where guards look for the [`Guard`]: in the program's state.

use axum_core::extract::FromRef;

use crate::guard::Guard;

/// A state that [`FromRef`] finds the [`Guard`] in, and no other: it is nothing to implement.
///
/// It stands between the guards and `FromRef`, which is axum's, so that the compiler can say what to do when there is
/// no guard. A guard does not ask for `Guard: FromRef<S>` itself for a second reason: where a program has one such
/// state, the compiler would take it for the state of every router, and complain of the router.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` has no `Guard`",
    label = "looks for a `Guard` in the state `{Self}`",
    note = "if the guard is all the state there is: `.with_state(Guard::new(verifier))`",
    note = "if the state is a type of yours with a member `guard: Guard`: `impl FromRef<{Self}> for Guard {{ fn from_ref(state: &{Self}) -> Self {{ state.guard.clone() }} }}`, or derive `FromRef`",
    note = "`#[axum::debug_handler]` takes the state for `()` unless told otherwise: `#[axum::debug_handler(state = Guard)]`"
)]
pub trait HasGuard {
    /// The guard; clones are cheap.
    fn guard(&self) -> Guard;
}

#[diagnostic::do_not_recommend]
impl<S> HasGuard for S
where
    Guard: FromRef<S>,
{
    fn guard(&self) -> Guard {
        Guard::from_ref(self)
    }
}
