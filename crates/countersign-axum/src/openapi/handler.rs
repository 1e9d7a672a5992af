//! Finds the guards among the parameters of a handler.
//!
//! A handler is a function, so the types of its parameters are known where `routes!` names it. They are laid out as
//! sixteen markers, one for each parameter that a handler can have, and each marker is asked what it demands. Markers of
//! guards answer; all others are silent. Which of the two answers is found by method look-up: `Outspoken` is
//! implemented for the markers of guards alone, `Silent` for references to any marker, and look-up tries the value
//! before its reference.

use std::marker::PhantomData;

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

/// What a parameter demands, if its type says so. Method look-up finds this trait first, and [`Silent`] otherwise.
#[doc(hidden)]
pub trait Outspoken {
    fn demands(&self) -> Option<Requirement>;
}

impl<T: Requires> Outspoken for Marker<T> {
    fn demands(&self) -> Option<Requirement> {
        Some(T::requirement())
    }
}

/// The rest demands nothing.
#[doc(hidden)]
pub trait Silent {
    fn demands(&self) -> Option<Requirement>;
}

impl<T> Silent for &Marker<T> {
    fn demands(&self) -> Option<Requirement> {
        None
    }
}

impl Silent for &() {
    fn demands(&self) -> Option<Requirement> {
        None
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __requirements_of {
    ($handler:path) => {{
        #[allow(unused_imports)]
        use $crate::openapi::{Outspoken as _, Silent as _};
        let ((a, b, c, d), (e, f, g, h), (i, j, k, l), (m, n, o, p)) = $crate::openapi::parameters_of(&$handler);
        let demands = [
            (&a).demands(),
            (&b).demands(),
            (&c).demands(),
            (&d).demands(),
            (&e).demands(),
            (&f).demands(),
            (&g).demands(),
            (&h).demands(),
            (&i).demands(),
            (&j).demands(),
            (&k).demands(),
            (&l).demands(),
            (&m).demands(),
            (&n).demands(),
            (&o).demands(),
            (&p).demands(),
        ];
        demands.into_iter().flatten().collect::<::std::vec::Vec<_>>()
    }};
}
