//! What the simulated people say.

use std::time::Duration;

/// Someone who lives in the server.
pub(super) struct Voice {
    pub(super) user: &'static str,
    /// Where they answer; in the first one they also begin.
    pub(super) rooms: &'static [&'static str],
    /// How long after somebody arrives they begin a conversation.
    pub(super) first: Duration,
    /// How long after that the next one.
    pub(super) every: Duration,
    pub(super) beginnings: &'static [&'static str],
    /// Tried in this order: if one of the words occurs, this is the answer.
    pub(super) answers: &'static [(&'static [&'static str], &'static str)],
    /// Otherwise these in turn.
    pub(super) replies: &'static [&'static str],
}

/// A patient and a colleague. Not sato or suzuki: those are for real people.
pub(super) const VOICES: &[Voice] = &[
    Voice {
        user: "yamada",
        rooms: &["general", "support"],
        first: Duration::from_secs(6),
        every: Duration::from_secs(150),
        beginnings: &[
            "302号室の一包化、ご本人に確認できました。問題なく開けられるそうです。",
            "午後の定時薬は15時に病棟へ上げます。変更があればそれまでにお知らせください。",
            "308号室の方の持参薬、残りは5日分でした。継続の処方をお願いできますか。",
            "点滴の在庫を確認しました。生理食塩液は明日の朝に補充します。",
            "311号室の方、内服の再開後の様子はいかがですか。",
            "来週の勉強会は、インスリンの種類と注意点がテーマです。ご都合のよい方はどうぞ。",
        ],
        answers: &[
            (&["至急", "急ぎ", "緊急"], "承知しました。すぐに確認します。"),
            (&["用量", "増量", "減量"], "腎機能も含めて用量を確認しますね。少しお待ちください。"),
            (&["アレルギー", "副作用", "発疹"], "アレルギー歴を確認します。疑わしい薬はいったん止めていただけますか。"),
            (&["退院"], "退院処方ですね。一包化と説明の準備をしておきます。"),
            (&["点滴", "補液", "抗菌薬"], "配合変化を確認しました。問題ありません。"),
            (&["処方", "薬", "内服", "錠"], "お薬の件ですね。処方歴を確認して折り返します。"),
            (&["検査", "採血", "結果"], "結果が出たら、用量の見直しが必要か確認します。"),
            (&["ありがと", "助かり"], "いえ、いつでもお声がけください。"),
            (&["おはよう"], "おはようございます。本日もよろしくお願いします。"),
            (&["お疲れ"], "お疲れさまです。"),
            (&["?", "？", "ますか", "でしょうか"], "確認して、のちほどお返事しますね。"),
        ],
        replies: &[
            "承知しました。",
            "ありがとうございます。薬剤部にも共有しておきます。",
            "了解です。何かあればお知らせください。",
            "確認しました。こちらでも記録しておきます。",
        ],
    },
    Voice {
        user: "tanaka",
        rooms: &["patient-tanaka"],
        first: Duration::from_secs(13),
        every: Duration::from_secs(210),
        beginnings: &[
            "こんにちは。さきほど測った血圧は132の78でした。",
            "ひとつ伺ってもいいですか。お風呂は毎日入っても大丈夫でしょうか。",
            "今日は20分ほど散歩をしました。息切れはありませんでした。",
            "お昼は減塩のお味噌汁にしました。慣れるとおいしいですね。",
            "夕方の足のむくみは、昨日より少ないようです。",
        ],
        answers: &[
            (&["痛", "苦し", "息切れ"], "いまは痛みも息苦しさもありません。変わったことがあればすぐにお知らせします。"),
            (&["血圧"], "今朝は130の77でした。手帳にも書いています。"),
            (&["体重"], "52.2キロで、昨日と変わりません。"),
            (&["むくみ", "足"], "夕方に少しだけ。朝にはひいています。"),
            (&["薬", "内服", "飲"], "はい、朝の分は飲みました。夕方の分も忘れないようにします。"),
            (&["食事", "塩分", "食欲"], "食欲はあります。塩分は控えめにしています。"),
            (&["眠", "睡眠"], "昨夜は6時間ほど眠れました。"),
            (&["外来", "予約", "受診"], "はい、予定どおり伺います。血圧の手帳も持っていきますね。"),
            (&["おはよう"], "おはようございます。今日もよろしくお願いします。"),
            (&["お大事に", "ありがと"], "ありがとうございます。"),
            (
                &["?", "？", "ますか", "でしょうか", "いかが"],
                "はい、大丈夫です。気になることがあればまたご連絡します。",
            ),
        ],
        replies: &[
            "わかりました。ありがとうございます。",
            "はい、そうします。",
            "教えていただいて安心しました。",
            "メモしておきますね。ありがとうございます。",
        ],
    },
];

impl Voice {
    /// The answer to a text; `turn` counts the answers given so far.
    pub(super) fn answer(&self, text: &str, turn: usize) -> &'static str {
        let fitting = self.answers.iter().find(|(words, _)| words.iter().any(|word| text.contains(word)));
        match fitting {
            Some((_, answer)) => answer,
            None => nth(self.replies, turn),
        }
    }

    pub(super) fn beginning(&self, turn: usize) -> &'static str {
        nth(self.beginnings, turn)
    }
}

fn nth(texts: &'static [&'static str], turn: usize) -> &'static str {
    texts.iter().cycle().nth(turn % texts.len().max(1)).copied().unwrap_or_default()
}
