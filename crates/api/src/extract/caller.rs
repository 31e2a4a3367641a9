//! On whose behalf a request runs.

use crate::middleware::{Asker, REFRESH_COOKIE, actor_of, asker_of, cookie_value, request_id_of};
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Either, select};
use kernel::{Actor, Ctx, SignedIn};
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::pin;

/// Anybody, signed in or not, as the circumstances of an operation that starts now.
#[derive(Clone)]
pub struct Caller(pub Ctx);

/// Somebody signed in; 401 otherwise.
#[derive(Clone)]
pub struct SignedInCaller {
    /// The circumstances of an operation that starts now.
    pub ctx: Ctx,
    /// Who it is.
    pub signed_in: SignedIn,
}

/// The refresh token that came as a cookie.
#[derive(Debug, Clone)]
pub struct RefreshCookie {
    token: Option<String>,
    vouched_for: bool,
}

/// The client, as long as it waits for its answer.
#[derive(Clone)]
pub struct WaitingClient(Option<Asker>);

impl WaitingClient {
    /// What comes of the work; it is given up when the client is.
    pub async fn while_waiting<T>(self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let is_gone = async {
            match self.0 {
                Some(asker) => asker.is_gone().await,
                None => pending().await,
            }
        };
        match select(pin!(work), pin!(is_gone)).await {
            Either::Left((done, _)) => Ok(done),
            // Nobody hears it: it is for the log and the metrics.
            Either::Right(_) => {
                Err(Problem::new(ProblemType::BadRequest).detail("The client did not wait for its answer."))
            }
        }
    }
}

impl FromRequest for WaitingClient {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(asker_of(request))))
    }
}

fn context(request: &HttpRequest, actor: Actor) -> Result<Ctx, Problem> {
    let state = request
        .app_data::<SharedState>()
        .ok_or_else(|| Problem::internal("the application has no state"))?;
    Ok(state.context(actor, request_id_of(request)))
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(context(request, actor_of(request)).map(Self))
    }
}

impl FromRequest for SignedInCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let actor = actor_of(request);
        ready(match actor.signed_in().cloned() {
            Ok(signed_in) => context(request, actor).map(|ctx| Self { ctx, signed_in }),
            Err(denied) => Err(denied.into()),
        })
    }
}

impl FromRequest for RefreshCookie {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = cookie_value(request.headers(), REFRESH_COOKIE).map(str::to_owned);
        let vouched_for = request
            .app_data::<SharedState>()
            .is_some_and(|state| state.origins.vouch_for(request.headers()));
        ready(Ok(Self { token, vouched_for }))
    }
}

impl RefreshCookie {
    /// The token, if one came; refused where nothing vouches for the request's origin, because another site could have
    /// made the browser send it.
    pub fn token(self) -> Result<Option<String>, Problem> {
        match self.token {
            Some(_) if !self.vouched_for => Err(ProblemType::OriginNotAllowed.into()),
            token => Ok(token),
        }
    }

    /// The token that came beside an access token which was accepted: no other site can have made the browser send that.
    pub fn token_beside_sign_in(self) -> Option<String> {
        self.token
    }
}
