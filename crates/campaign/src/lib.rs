//! Mails that ask for votes: a candidate asks for a campaign, a reviewer approves it, everybody gets one copy.
