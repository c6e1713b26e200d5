//! What letters about an account say.

use super::Language::{self, English, Russian};
use super::{plural_en, plural_ru};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountText {
    ConfirmEmail,
    ResetPassword,
    ChangeEmailOld,
    ChangeEmailNew,
    PasswordChanged,
    EmailChanged,
    SecondFactorOn,
    SecondFactorOff,
    AlreadyRegistered,
}

use AccountText::{
    AlreadyRegistered, ChangeEmailNew, ChangeEmailOld, ConfirmEmail, EmailChanged, PasswordChanged, ResetPassword,
    SecondFactorOff, SecondFactorOn,
};

impl AccountText {
    /// By the kind of the event.
    pub fn of(kind: &str) -> Option<AccountText> {
        Some(match kind {
            "account.confirm-email" => ConfirmEmail,
            "account.reset-password" => ResetPassword,
            "account.change-email-old" => ChangeEmailOld,
            "account.change-email-new" => ChangeEmailNew,
            "account.password-changed" => PasswordChanged,
            "account.email-changed" => EmailChanged,
            "account.second-factor-on" => SecondFactorOn,
            "account.second-factor-off" => SecondFactorOff,
            "account.already-registered" => AlreadyRegistered,
            _ => return None,
        })
    }
}

impl Language {
    #[rustfmt::skip]
    pub fn account_subject(self, text: AccountText, shop: &str) -> String {
        match text {
            ConfirmEmail => self.say(format!("Confirm your e-mail address for {shop}"), format!("Подтвердите адрес почты для {shop}")),
            ResetPassword => self.say(format!("A new password for {shop}"), format!("Новый пароль для {shop}")),
            ChangeEmailOld => self.say(format!("Do you want another e-mail address for {shop}?"), format!("Сменить адрес почты для {shop}?")),
            ChangeEmailNew => self.say(format!("Confirm your new e-mail address for {shop}"), format!("Подтвердите новый адрес почты для {shop}")),
            PasswordChanged => self.say(format!("Your password for {shop} was changed"), format!("Ваш пароль для {shop} изменён")),
            EmailChanged => self.say(format!("Your e-mail address for {shop} was changed"), format!("Ваш адрес почты для {shop} изменён")),
            SecondFactorOn => self.say(format!("Logins at {shop} ask for a code now"), format!("Вход в {shop} теперь с кодом")),
            SecondFactorOff => self.say(format!("Logins at {shop} ask for no code any more"), format!("Вход в {shop} теперь без кода")),
            AlreadyRegistered => self.say(format!("You have an account at {shop}"), format!("У вас есть учётная запись в магазине {shop}")),
        }
    }

    /// What it is about.
    #[rustfmt::skip]
    pub fn account(self, text: AccountText, shop: &str, new_email: &str) -> String {
        match (text, self) {
            (ConfirmEmail, English) => format!("Please confirm that this e-mail address belongs to your account at {shop}."),
            (ConfirmEmail, Russian) => format!("Подтвердите, что этот адрес почты относится к вашей учётной записи в магазине {shop}."),
            (ResetPassword, English) => format!("With this link you can set a new password for your account at {shop}."),
            (ResetPassword, Russian) => format!("По этой ссылке можно задать новый пароль для учётной записи в магазине {shop}."),
            (ChangeEmailOld, English) => format!("Your account at {shop} is to have the e-mail address {new_email}. Please confirm that you want this, or call it off."),
            (ChangeEmailOld, Russian) => format!("Адрес почты вашей учётной записи в магазине {shop} должен смениться на {new_email}. Подтвердите, что вы этого хотите, или отмените смену."),
            (ChangeEmailNew, English) => format!("An account at {shop} is to have this e-mail address. Please confirm that it is yours."),
            (ChangeEmailNew, Russian) => format!("Этот адрес почты должен относиться к учётной записи в магазине {shop}. Подтвердите, что он ваш."),
            (PasswordChanged, English) => format!("The password of your account at {shop} was changed."),
            (PasswordChanged, Russian) => format!("Пароль вашей учётной записи в магазине {shop} изменён."),
            (EmailChanged, English) => format!("Your account at {shop} now has the e-mail address {new_email}."),
            (EmailChanged, Russian) => format!("У вашей учётной записи в магазине {shop} теперь адрес почты {new_email}."),
            (SecondFactorOn, English) => format!("A second factor was set up for your account at {shop}: whoever logs in needs a code of your authenticator app."),
            (SecondFactorOn, Russian) => format!("Для вашей учётной записи в магазине {shop} включён второй фактор: для входа нужен код из приложения."),
            (SecondFactorOff, English) => format!("The second factor of your account at {shop} was removed: the password is enough to log in."),
            (SecondFactorOff, Russian) => format!("Второй фактор вашей учётной записи в магазине {shop} отключён: для входа достаточно пароля."),
            (AlreadyRegistered, English) => format!("Somebody entered this e-mail address at {shop}. You have an account there already: log in with it, or ask for a new password."),
            (AlreadyRegistered, Russian) => format!("Кто-то указал этот адрес почты в магазине {shop}. У вас там уже есть учётная запись: войдите с ней или запросите новый пароль."),
        }
    }

    /// None where there is nothing to do.
    pub fn account_link(self, text: AccountText) -> Option<&'static str> {
        match text {
            ConfirmEmail | ChangeEmailNew => Some(self.say("Confirm the address", "Подтвердить адрес")),
            ResetPassword => Some(self.say("Set a new password", "Задать новый пароль")),
            ChangeEmailOld => Some(self.say("Confirm or call off", "Подтвердить или отменить")),
            PasswordChanged | EmailChanged | SecondFactorOn | SecondFactorOff | AlreadyRegistered => None,
        }
    }

    /// Of the token, where there is no link.
    pub fn code(self) -> &'static str {
        self.say("Your code", "Ваш код")
    }

    pub fn valid_for(self, minutes: u32) -> String {
        let (count, english, russian) = match minutes {
            minutes if minutes.is_multiple_of(1_440) => (minutes / 1_440, ("day", "days"), ("день", "дня", "дней")),
            minutes if minutes.is_multiple_of(60) => (minutes / 60, ("hour", "hours"), ("час", "часа", "часов")),
            minutes => (minutes, ("minute", "minutes"), ("минута", "минуты", "минут")),
        };
        let count = u64::from(count);
        match self {
            English => format!("It works for {}.", plural_en(count, english.0, english.1)),
            Russian => format!("Срок действия: {}.", plural_ru(count, russian.0, russian.1, russian.2)),
        }
    }

    /// What to do where somebody else did it.
    pub fn not_you(self, text: AccountText) -> &'static str {
        match text {
            PasswordChanged | EmailChanged | SecondFactorOn | SecondFactorOff => self.say(
                "If that was not you, ask for a new password at once and write to us.",
                "Если это были не вы, сразу запросите новый пароль и напишите нам.",
            ),
            _ => self.say(
                "If you did not ask for this, you need do nothing: nothing changes by itself.",
                "Если вы этого не просили, ничего делать не нужно: само по себе ничего не изменится.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (minutes, english, russian) in [
            (1, "It works for 1 minute.", "Срок действия: 1 минута."),
            (61, "It works for 61 minutes.", "Срок действия: 61 минута."),
            (60, "It works for 1 hour.", "Срок действия: 1 час."),
            (180, "It works for 3 hours.", "Срок действия: 3 часа."),
            (2_880, "It works for 2 days.", "Срок действия: 2 дня."),
        ] {
            assert_eq!((English.valid_for(minutes).as_str(), Russian.valid_for(minutes).as_str()), (english, russian));
        }
    }
}
