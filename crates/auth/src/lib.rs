//! Sign-up, sign-in, sessions and tokens; what is held on a person, and how it goes.
//!
//! Invariants: passwords and refresh tokens are kept hashed only; a refresh token works once, and its second use ends
//! the session; hashing of passwords happens outside of transactions and off the async threads.

mod access;
mod account_fields;
mod authority;
mod change_email;
mod change_password;
mod common_passwords;
mod create_admin;
mod erase_person;
mod export_person;
mod external_sign_in;
mod forgot_password;
mod invite;
mod log_in;
mod log_out;
mod one_time;
mod password;
mod personal_data;
mod ports;
mod prove_address;
mod recent_sign_in;
mod refresh;
mod repository;
mod reset_password;
mod reset_with_answers;
mod security_answers;
mod security_questions;
mod session;
mod sessions;
mod set_security_answers;
mod sign_up;
mod token;
mod verify_email;
mod verify_phone;

pub use access::{Access, find_actor};
pub use account_fields::{AccountFields, CheckedAccount};
pub use authority::{AuthorityError, require_another_admin, require_covers, require_covers_user};
pub use change_email::{RequestEmailChange, RequestEmailChangeError, request_email_change};
pub use change_password::{ChangePasswordError, change_password};
pub use create_admin::{CreateAdmin, CreateAdminError, create_admin};
pub use erase_person::{ErasePerson, ErasePersonError, ErasePersonTx, erase_person};
pub use export_person::{ExportPersonError, ExportPersonTx, export_person};
pub use external_sign_in::{ExternalSignIn, ExternalSignInError, external_sign_in};
pub use forgot_password::forgot_password;
pub use invite::mail_account_created;
pub use log_in::{Credentials, LogIn, LogInError, find_credentials, log_in};
pub use log_out::{LogOutError, log_out, log_out_by_refresh_token};
pub use one_time::{MOST_CODE_TRIES, OneTime, OneTimeProof, OneTimePurpose, generate_code, generate_secrets};
pub use password::{BcryptCost, InvalidPassword, NewPassword, PasswordHash};
pub use personal_data::{
    AccountRecord, AttendeeRecord, AuditRecord, CampaignMailRecord, CampaignRecord, CandidacyRecord,
    ErasureRepository, EventRecord, IdentityRecord, LiveRecord, MessageRecord, NominationRecord,
    OneTimeRecord, PersonExport, PersonalDataRepository, PhoneCodeRecord, QueueRecord, QueueStepRecord,
    RegistrationRecord, RememberedRecord, SecurityQuestionRecord, SecurityTriesRecord, SessionRecord,
    StaffRecord, VoteRecord,
};
pub use ports::{AskingProvider, ExternalIdentity, IdentityProvider, ProviderError, SignInAttempt};
pub use refresh::{Refresh, Refreshed, refresh};
pub use repository::{
    AuthRepository, AuthTx, AuthorityRepository, ExternalIdentityRepository, ExternalLink, OneTimeRepository,
    PhoneCodeRepository, RefreshRow, SecurityAnswersRepository,
};
pub use reset_password::{ProvenReset, prove_reset, reset_password};
pub use reset_with_answers::{AnswersTry, ChargedRecovery, charge_answers, reset_with_answers};
pub use security_answers::{Answer, AnswerTries, GivenAnswer, InvalidAnswer, SecurityAnswer};
pub use security_questions::{QUESTIONS_ASKED, SECURITY_QUESTIONS, SecurityQuestion, asked_questions};
pub use session::{NewSession, OpenSession, RefreshToken, Session};
pub use sessions::{EndSessionError, SessionsError, end_all_sessions, end_session, list_sessions};
pub use set_security_answers::{
    SetSecurityAnswersError, may_have_security_questions, may_set_security_answers, set_security_answers,
};
pub use sign_up::{CheckedSignUp, InsertAccountError, SignUp, SignUpError, insert_account, sign_up};
pub use token::{AccessClaims, InvalidToken, SigningKey, TokenSigner, WeakKey};
pub use verify_email::{
    EmailConfirmed, RequestVerificationError, VerificationRequested, confirm_email, mail_verification,
    request_verification,
};
pub use verify_phone::{
    PhoneCode, PhoneConfirmed, PhoneRules, PhoneVerificationRequested, RequestPhoneVerificationError,
    confirm_phone, request_phone_verification,
};

/// The built-in role that holds the whole catalogue.
pub const ADMIN_ROLE: &str = "admin";
