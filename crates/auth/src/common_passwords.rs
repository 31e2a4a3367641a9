//! The passwords that are tried first by whoever guesses; those shorter than ten characters are refused anyway.

/// Folded to lower case.
pub const COMMON: &[&str] = &[
    "0123456789", "1234567890", "12345678910", "123456789a", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc",
    "9876543210", "a123456789", "aaaaaaaaaa", "abc1234567", "abcd123456", "abcdefghij", "adminadmin",
    "administrator", "asdfghjkl;", "asdfghjkl1", "baseball123", "changeme123", "charlie123", "computer123",
    "football123", "iloveyou123", "iloveyou12", "letmein123", "letmein1234", "liverpool1", "manchester",
    "michael123", "monkey1234", "p@ssw0rd123", "p@ssword123", "passw0rd123", "password01", "password10",
    "password11", "password12", "password123", "password1234", "password12345", "password123456", "password1!",
    "password123!", "passwordpassword", "princess123", "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsxedcrfv", "qwerty1234",
    "qwerty12345", "qwerty123456", "qwertyuiop", "qwertyuiop123", "qwertyuiopasdf", "starwars123", "sunshine123",
    "superman123", "test123456", "testtest123", "trustno1trustno1", "welcome123", "welcome1234", "zxcvbnm123",
    "zaq12wsxcde3", "1111111111", "0000000000", "123123123123", "1234512345", "112233445566", "correcthorsebatterystaple",
];
