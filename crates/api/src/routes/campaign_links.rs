//! The links of campaigns' mails: a vote with one confirmation, and no more of such mails. The link is all that it takes; nobody signs
//! in, and what is none of ours is told nothing. The pages that the mails link to do the same for people.

use crate::extract::{Caller, PathText, RawBody};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::{AppState, SharedState};
use crate::views::{UnsubscribeBody, VoteBody, VoteLinkBody};
use campaign::{UnsubscribeLink, VoteLink};
use kernel::{Ctx, DeliveryId};
use notification::{UnsubscribeToken, read_unsubscribe_token, read_vote_token};
use voting::Vote;

/// Why a link gives no vote.
pub(crate) const VOTE_REFUSALS: [ProblemType; 6] = [
    ProblemType::SeatNeeded,
    ProblemType::VotingNotOpen,
    ProblemType::VotingClosed,
    ProblemType::CandidateGone,
    ProblemType::VotedSignedIn,
    ProblemType::OwnCandidacy,
];

/// What the link votes for.
pub async fn read_vote(
    PathText(token): PathText,
    Caller(ctx): Caller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let link = find_vote_link(&state, ctx, &token).await?;
    Ok(Answer::ok(&VoteLinkBody::of(link)))
}

/// See [`read_vote`].
pub fn describe_read_vote(operation: OperationDoc) -> OperationDoc {
    vote_token(operation)
        .summary("Read what a link votes for")
        .description(
            "The link of a campaign's mail. Reading it gives no vote, and tells nothing of one that was given.",
        )
        .answer::<VoteLinkBody>(200, "What it votes for.")
}

/// Votes.
pub async fn confirm_vote(
    PathText(token): PathText,
    Caller(ctx): Caller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (vote, _) = vote_by_link(&state, ctx, &token).await?;
    Ok(Answer::ok(&VoteBody::of(&vote)))
}

/// See [`confirm_vote`].
pub fn describe_confirm_vote(operation: OperationDoc) -> OperationDoc {
    vote_token(operation)
        .summary("Vote by a link")
        .description(
            "For whoever got the mail, while voting is open and as long as they hold a seat. It takes the place of a vote by another \
             link, and never of one that was cast signed in: if that is for the same candidate, it is answered. No body is looked at.",
        )
        .answer::<VoteBody>(200, "The vote counts. Asking again changes nothing.")
        .problems(&VOTE_REFUSALS)
}

/// Who unsubscribes by the link.
pub async fn read_unsubscribe(
    PathText(token): PathText,
    Caller(_): Caller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let link = find_unsubscribe_link(&state, &token).await?;
    Ok(Answer::ok(&UnsubscribeBody::of(link)))
}

/// See [`read_unsubscribe`].
pub fn describe_read_unsubscribe(operation: OperationDoc) -> OperationDoc {
    unsubscribe_token(operation)
        .summary("Read who unsubscribes by a link")
        .answer::<UnsubscribeBody>(200, "Whose address it is, as far as is told.")
}

/// Unsubscribes.
pub async fn unsubscribe(
    PathText(token): PathText,
    Caller(ctx): Caller,
    _: RawBody,
    state: SharedState,
) -> Result<Answer, Problem> {
    let link = unsubscribe_by_link(&state, ctx, &token).await?;
    Ok(Answer::ok(&UnsubscribeBody::of(link)))
}

/// See [`unsubscribe`].
pub fn describe_unsubscribe(operation: OperationDoc) -> OperationDoc {
    one_click(unsubscribe_token(operation)).answer::<UnsubscribeBody>(200, "The address gets none any more.")
}

/// What one click of a mail program sends, for the page and the route alike.
pub(crate) fn one_click(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Unsubscribe by a link")
        .description(
            "No more mails that ask for votes go to the address, for whatever event; the account's preference, if there is an account, \
             is off. What is sent is not looked at: mail programs send `List-Unsubscribe=One-Click` (RFC 8058), as a form of either \
             media type.",
        )
        .raw_bodies(
            &["application/x-www-form-urlencoded", "multipart/form-data"],
            "`List-Unsubscribe=One-Click`, or nothing.",
        )
        .problems(&[ProblemType::UnsupportedMediaType])
}

fn vote_token(operation: OperationDoc) -> OperationDoc {
    operation
        .path_text("token", "The last part of the link in the mail.")
        .problems(&[ProblemType::NotFound])
}

fn unsubscribe_token(operation: OperationDoc) -> OperationDoc {
    operation
        .path_text(
            "token",
            "The last part of the link in the mail, or of its `List-Unsubscribe` header.",
        )
        .problems(&[ProblemType::NotFound])
}

fn voting_copy(state: &AppState, token: &str) -> Result<DeliveryId, Problem> {
    read_vote_token(&state.keys, token).ok_or_else(Problem::not_found)
}

fn unsubscribing_copy(state: &AppState, token: &str) -> Result<UnsubscribeToken, Problem> {
    read_unsubscribe_token(&state.keys, token).ok_or_else(Problem::not_found)
}

/// What the link with this token votes for.
pub(crate) async fn find_vote_link(state: &SharedState, ctx: Ctx, token: &str) -> Result<VoteLink, Problem> {
    let id = voting_copy(state, token)?;
    let found = state.store.read(move |tx| campaign::read_vote_link(tx, &ctx, id));
    Ok(found.await?)
}

/// Votes by the link with this token.
pub(crate) async fn vote_by_link(
    state: &SharedState,
    ctx: Ctx,
    token: &str,
) -> Result<(Vote, VoteLink), Problem> {
    let id = voting_copy(state, token)?;
    let cast = state
        .store
        .write(move |tx| campaign::confirm_vote_link(tx, &ctx, id));
    Ok(cast.await?)
}

/// Who unsubscribes by the link with this token.
pub(crate) async fn find_unsubscribe_link(
    state: &SharedState,
    token: &str,
) -> Result<UnsubscribeLink, Problem> {
    let link = unsubscribing_copy(state, token)?;
    let keys = state.keys.clone();
    let found = state
        .store
        .read(move |tx| campaign::read_unsubscribe_link(tx, &keys, &link));
    Ok(found.await?)
}

/// Unsubscribes by the link with this token.
pub(crate) async fn unsubscribe_by_link(
    state: &SharedState,
    ctx: Ctx,
    token: &str,
) -> Result<UnsubscribeLink, Problem> {
    let link = unsubscribing_copy(state, token)?;
    let keys = state.keys.clone();
    let done = state
        .store
        .write(move |tx| campaign::unsubscribe(tx, &ctx, &keys, &link));
    Ok(done.await?)
}
