//! The questions that a person can answer to get back in without the mailbox, and who may use them.

use crate::AuthTx;
use kernel::{EmailAddress, KeyPurpose, Permission, PermissionSet, ServerKeys, StoreError, TypedId, UserId};
use user::{User, UserStatus};
use uuid::Uuid;

/// One question of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct SecurityQuestion {
    /// Its name for programs and in the database; it never changes.
    pub id: &'static str,
    /// As it is asked.
    pub text: &'static str,
}

const fn question(id: &'static str, text: &'static str) -> SecurityQuestion {
    SecurityQuestion { id, text }
}

/// What can be asked: things that stay true, that a person remembers, and that stand neither in public records nor in
/// what people show of themselves.
pub const SECURITY_QUESTIONS: [SecurityQuestion; 10] = [
    question(
        "toy_name",
        "What did you call the toy that you loved most as a child?",
    ),
    question("first_dish", "What was the first dish that you learned to cook?"),
    question("lost_thing", "What was the first thing of value that you lost?"),
    question("hiding_place", "Where did you hide things as a child?"),
    question(
        "neighbours",
        "What was the name of the neighbours where you grew up?",
    ),
    question(
        "strict_teacher",
        "What was the last name of the teacher whom you feared most?",
    ),
    question(
        "grandmothers_street",
        "In which street did your grandmother live when you were a child?",
    ),
    question(
        "bedtime_book",
        "Which book was read to you most often as a child?",
    ),
    question(
        "concert_companion",
        "Who went with you to the first concert of your life?",
    ),
    question(
        "broken_thing",
        "What did you break as a child and never own up to?",
    ),
];

/// How many are asked, and the least that a person answers.
pub const QUESTIONS_ASKED: usize = 2;

/// What an account may permit that is recovered by answers: nothing beyond the built-in organizer's. Answers are easier
/// to find out than a mailbox is to break into, so that they must not lead to more.
const MOST_PERMITTED: [Permission; 3] = [
    Permission::EventCreate,
    Permission::AttendeeRead,
    Permission::AttendeeWrite,
];

/// Whether these permissions are too many for security questions.
pub(crate) fn is_privileged(permissions: PermissionSet) -> bool {
    let most: PermissionSet = MOST_PERMITTED.into_iter().collect();
    !most.covers(permissions)
}

impl SecurityQuestion {
    /// The question of that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        SECURITY_QUESTIONS.iter().find(|question| question.id == id)
    }
}

/// An account that answers may recover.
pub(crate) struct Recoverable {
    pub(crate) user: User,
    /// Its questions with the hashes of their answers.
    pub(crate) answers: Vec<(&'static SecurityQuestion, crate::PasswordHash)>,
}

/// The account of an address, if answers may recover it: it is active, has enough of them, and permits little.
pub(crate) fn find_recoverable(
    tx: &mut dyn AuthTx,
    email: &EmailAddress,
) -> Result<Option<Recoverable>, StoreError> {
    let user = tx.find_user_by_email(email.key())?;
    // Nobody's answers are looked up too, so that an unknown address takes as long.
    let user_id = user
        .as_ref()
        .map_or(UserId::from_uuid(Uuid::nil()), |user| user.id);
    let permissions = tx.find_permissions(user_id)?;
    // A question that left the catalogue is not asked any more.
    let answers: Vec<_> = tx
        .list_security_answers(user_id)?
        .into_iter()
        .filter_map(|kept| Some((SecurityQuestion::find(&kept.question_id)?, kept.answer_hash)))
        .collect();
    let usable = answers.len() >= QUESTIONS_ASKED && !is_privileged(permissions);
    Ok(user
        .filter(|user| usable && user.status == UserStatus::Active)
        .map(|user| Recoverable { user, answers }))
}

/// The questions that an address is asked, always the same: its own for an account that answers may recover, and some of
/// the catalogue for everybody else, so that nothing tells the difference.
pub fn asked_questions(
    tx: &mut dyn AuthTx,
    keys: &ServerKeys,
    email: &EmailAddress,
) -> Result<Vec<&'static SecurityQuestion>, StoreError> {
    let recoverable = find_recoverable(tx, email)?;
    Ok(choose(keys, email, recoverable.as_ref()))
}

/// See [`asked_questions`]. Everybody's are chosen by the same rule, which nobody without the server's key can follow:
/// whoever could would tell a decoy from a choice.
pub(crate) fn choose(
    keys: &ServerKeys,
    email: &EmailAddress,
    recoverable: Option<&Recoverable>,
) -> Vec<&'static SecurityQuestion> {
    let mut questions: Vec<&'static SecurityQuestion> = match recoverable {
        Some(known) => known.answers.iter().map(|(question, _)| *question).collect(),
        None => SECURITY_QUESTIONS.iter().collect(),
    };
    questions
        .sort_by_cached_key(|question| keys.mac(KeyPurpose::SecurityQuestions, &[email.key(), question.id]));
    questions.truncate(QUESTIONS_ASKED);
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_and_texts_are_unique_and_lead_back_to_their_question() {
        let ids: HashSet<_> = SECURITY_QUESTIONS.iter().map(|question| question.id).collect();
        let texts: HashSet<_> = SECURITY_QUESTIONS.iter().map(|question| question.text).collect();
        assert_eq!((ids.len(), texts.len()), (10, 10));
        for question in &SECURITY_QUESTIONS {
            assert_eq!(SecurityQuestion::find(question.id), Some(question));
        }
        assert_eq!(SecurityQuestion::find("birthday"), None);
    }

    #[test]
    fn an_organizer_is_not_privileged_and_one_permission_more_is() {
        assert!(!is_privileged(PermissionSet::NONE));
        assert!(!is_privileged(MOST_PERMITTED.into_iter().collect()));
        for permission in Permission::ALL {
            let alone: PermissionSet = [*permission].into_iter().collect();
            assert_eq!(is_privileged(alone), !MOST_PERMITTED.contains(permission));
        }
        assert!(is_privileged(PermissionSet::all()));
    }

    #[test]
    fn decoys_are_stable_different_and_spread_over_the_catalogue() {
        let keys = ServerKeys::new(vec![1; 32], Vec::new());
        let mut seen = HashSet::new();
        for number in 0..200 {
            let email: EmailAddress = format!("nobody-{number}@example.org").parse().unwrap();
            let asked = choose(&keys, &email, None);
            assert_eq!(asked, choose(&keys, &email, None));
            assert!(asked.len() == 2 && asked[0] != asked[1]);
            seen.extend(asked.iter().map(|question| question.id));
        }
        assert_eq!(seen.len(), SECURITY_QUESTIONS.len());
    }
}
