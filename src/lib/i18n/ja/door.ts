/** サインインとロック。 */
export const door = {
	signIn: {
		title: 'サインイン',
		lead: '院内のチームと患者さんをつなぐチャット',
		server: 'サーバーのアドレス',
		serverHint: '例: chat.hospital.example.jp（管理者から案内されたもの）',
		byPassword: 'パスワード',
		byToken: 'アクセストークン',
		method: 'サインインの方法',
		username: 'ユーザー名',
		password: 'パスワード',
		show: '表示',
		hide: '隠す',
		token: 'アクセストークン',
		userId: 'ユーザーID（必要な場合のみ）',
		remember: 'このコンピューターでサインインしたままにする',
		rememberHint: '外すと、履歴もサインイン情報もこのコンピューターに残りません。共用の端末では外してください。',
		submit: 'サインイン',
		busy: 'サインインしています…',
		acceptInsecure: '暗号化されない接続であることを理解して続ける',
		withoutRemembering: '記憶せずに続ける',
		ended: {
			signed_out: 'サインアウトしました。',
			expired:
				'セッションの有効期限が切れました。もう一度サインインしてください。送信待ちのメッセージは保管されています。',
			revoked:
				'サーバーがこのセッションを終了しました。もう一度サインインしてください。送信待ちのメッセージは保管されています。',
			replaced: '別のセッションに切り替わりました。もう一度サインインしてください。',
			unknown: 'セッションが終了しました。もう一度サインインしてください。'
		}
	},
	lock: {
		title: 'ロックしています',
		now: 'アプリをロック',
		of: (name: string) => `${name}さんの画面です`,
		unread: (count: number) => `未読${count}件`,
		urgent: (count: number) => `至急${count}件`,
		nothing: '未読はありません',
		pin: 'PIN（暗証番号）',
		unlock: 'ロックを解除',
		wrong: (left: number) => `PINが違います。あと${left}回入力できます。`,
		wait: (seconds: number) => `${seconds}秒後にもう一度入力できます。`,
		bySignIn: 'サインインして解除・別の人がサインイン',
		byPin: 'PINで解除',
		signInToUnlock: 'サインインすると解除されます。別の人がサインインすると、その人の画面になります。'
	},
	lockSettings: {
		title: 'ロック',
		after: '自動でロックするまで',
		never: '自動ではロックしない',
		minutes: (count: number) => `${count}分`,
		afterHint:
			'キーボードとマウスにこの時間触れないとロックします。標準は10分です。パソコンの画面ロックやスリープでもロックします。',
		hasPin: 'PINでロックを解除できます。',
		noPin: 'PINを決めると、サインインし直さずにロックを解除できます。',
		choose: 'PINを決める',
		change: 'PINを変更',
		remove: 'PINを削除',
		now: '今すぐロック',
		pin: '新しいPIN',
		pinHint: '4文字以上',
		again: 'もう一度',
		different: '2つのPINが一致しません。入力し直してください。',
		keep: '保存',
		cancel: 'やめる',
		kept: 'PINを保存しました',
		removed: 'PINを削除しました'
	}
};
