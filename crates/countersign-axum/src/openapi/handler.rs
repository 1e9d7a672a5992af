//! Finds the guards among the parameters of a handler.
//!
//! A handler is a function, so the types of its parameters are known where `routes!` names it. They are laid out as
//! sixteen markers, one for each parameter that a handler can have, and each marker is asked what it demands. Markers of
//! guards answer; all others are silent. Which of the two answers is found by method look-up: `Outspoken` is
//! implemented for the markers of guards alone, `Silent` for references to any marker, and look-up tries the value
//! before its reference.
//!
//! A guard that answers is asked to be an extractor in the router's state, too. axum asks this of the whole handler, and
//! when it is not so, the compiler does not say why; asked of the guard alone, it does.

use std::marker::PhantomData;

use axum_core::extract::FromRequest;

use crate::requirement::{Requirement, Requires};

/// The types of a handler's parameters, as values: sixteen, padded with `()`.
#[doc(hidden)]
pub trait Parameters<A> {
    type Markers: Default;
}

/// The markers of a handler's parameters.
#[doc(hidden)]
pub fn parameters_of<A, H: Parameters<A>>(_: &H) -> H::Markers {
    H::Markers::default()
}

macro_rules! first_sixteen {
    ($a:ty, $b:ty, $c:ty, $d:ty, $e:ty, $f:ty, $g:ty, $h:ty,
     $i:ty, $j:ty, $k:ty, $l:ty, $m:ty, $n:ty, $o:ty, $p:ty, $($rest:ty),*) => {
        (($a, $b, $c, $d), ($e, $f, $g, $h), ($i, $j, $k, $l), ($m, $n, $o, $p))
    };
}

macro_rules! handlers_have_parameters {
    ($(($($T:ident),*))*) => { $(
        impl<F, R, $($T),*> Parameters<($($T,)*)> for F
        where
            F: FnOnce($($T),*) -> R,
        {
            type Markers = first_sixteen!(
                $(Marker<$T>,)* (), (), (), (), (), (), (), (), (), (), (), (), (), (), (), (), ()
            );
        }
    )* };
}

/// Stands for a parameter's type.
#[doc(hidden)]
pub struct Marker<T>(PhantomData<fn() -> T>);

impl<T> Default for Marker<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

handlers_have_parameters! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, G)
    (A, B, C, D, E, G, H)
    (A, B, C, D, E, G, H, I)
    (A, B, C, D, E, G, H, I, J)
    (A, B, C, D, E, G, H, I, J, K)
    (A, B, C, D, E, G, H, I, J, K, L)
    (A, B, C, D, E, G, H, I, J, K, L, M)
    (A, B, C, D, E, G, H, I, J, K, L, M, N)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O, P)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O, P, Q)
}

/// Stands for the type of a router's state, which is known only where the routes are added to the router.
#[doc(hidden)]
pub struct StateOf<S>(PhantomData<fn() -> S>);

impl<S> StateOf<S> {
    #[doc(hidden)]
    pub fn router() -> Self {
        Self(PhantomData)
    }
}

/// What a parameter demands, if its type says so. Method look-up finds this trait first, and [`Silent`] otherwise.
#[doc(hidden)]
pub trait Outspoken {
    type Parameter;
    fn demands<S, M>(&self, state: &StateOf<S>) -> Option<Requirement>
    where
        Self::Parameter: FromRequest<S, M>;
}

impl<T: Requires> Outspoken for Marker<T> {
    type Parameter = T;
    fn demands<S, M>(&self, _: &StateOf<S>) -> Option<Requirement>
    where
        T: FromRequest<S, M>,
    {
        Some(T::requirement())
    }
}

/// The rest demands nothing.
#[doc(hidden)]
pub trait Silent {
    fn demands<S>(&self, state: &StateOf<S>) -> Option<Requirement>;
}

impl<T> Silent for &Marker<T> {
    fn demands<S>(&self, _: &StateOf<S>) -> Option<Requirement> {
        None
    }
}

impl Silent for &() {
    fn demands<S>(&self, _: &StateOf<S>) -> Option<Requirement> {
        None
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __requirements_of {
    ($handler:path, $state:expr) => {{
        #[allow(unused_imports)]
        use $crate::openapi::{Outspoken as _, Silent as _};
        let ((a, b, c, d), (e, f, g, h), (i, j, k, l), (m, n, o, p)) = $crate::openapi::parameters_of(&$handler);
        let state = $state;
        let demands = [
            (&a).demands(state),
            (&b).demands(state),
            (&c).demands(state),
            (&d).demands(state),
            (&e).demands(state),
            (&f).demands(state),
            (&g).demands(state),
            (&h).demands(state),
            (&i).demands(state),
            (&j).demands(state),
            (&k).demands(state),
            (&l).demands(state),
            (&m).demands(state),
            (&n).demands(state),
            (&o).demands(state),
            (&p).demands(state),
        ];
        demands.into_iter().flatten().collect::<::std::vec::Vec<_>>()
    }};
}
