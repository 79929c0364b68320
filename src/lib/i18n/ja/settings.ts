/** 設定。 */
export const settings = {
	settings: {
		title: '設定',
		back: '戻る',
		language: '表示言語',
		theme: '外観',
		themes: { system: 'システムに合わせる', light: 'ライト', dark: 'ダーク' },
		textSize: '文字の大きさ',
		textSizes: { small: '小', normal: '標準', large: '大', largest: '特大' },
		enter: '送信キー',
		enterSends: 'Enterで送信（Shift+Enterで改行）',
		ctrlEnterSends: 'Ctrl+Enterで送信（Enterで改行）',
		notifyAbout: '通知するメッセージ',
		notify: {
			all: 'すべて',
			important: '患者さんのルーム、自分宛て、至急',
			urgent: '至急のみ'
		},
		notifyHint: '通知しないメッセージも、未読数には数えられます。',
		privacy: '通知に表示する内容',
		privacies: {
			nothing: '「新しいメッセージ」のみ',
			sender: '送信者（患者さんの名前は出しません）',
			content: '送信者と本文'
		},
		privacyHint: '通知は周りの人の目にも入ります。本文の表示は個室でのみお勧めします。',
		test: '通知をテスト',
		tested: {
			raised: (service: string) =>
				`通知を出しました${service ? `（${service}）` : ''}。見えない場合は、システムの通知設定でこのアプリを許可し、「おやすみモード」や「集中モード」を切ってください。`,
			heldBack: 'システムの「おやすみモード」などで通知が止められています。システムの設定で解除してください。',
			denied: 'システムの設定でこのアプリの通知が許可されていません。システムの通知設定で許可してください。',
			noService: 'このコンピューターには通知を表示する仕組みがありません。管理者に連絡してください。'
		},
		quiet: '静かな時間',
		quietOn: '毎日、次の時間は至急のみ通知する',
		quietFrom: '開始',
		quietTo: '終了',
		disturb: 'おやすみモード',
		disturbOff: '通知は普段どおりです。',
		disturbUntil: (when: string) => `${when}まで、至急のみ通知します。`,
		disturbHour: '1時間',
		disturbMorning: '明日の朝8時まで',
		disturbEnd: '解除',
		repeat: '至急のメッセージの繰り返し',
		repeatHint: '誰かが「対応します」を押すまで、20分間繰り返し知らせます。',
		repeatEvery: (minutes: number) => (minutes === 0 ? '繰り返さない' : `${minutes}分ごと`),
		window: 'ウィンドウと起動',
		closeToTray: 'ウィンドウを閉じても通知を受け取る',
		closeToTrayHint: '閉じるとトレイに残ります。トレイのない環境では、閉じるとアプリが終了します。',
		autostart: 'パソコンへのサインイン時に自動で起動する',
		account: 'アカウント',
		signedInAs: (name: string, server: string) => `${name}（${server}）`,
		signOut: 'サインアウト',
		signOutConfirm: 'サインアウトしますか？',
		signOutExplained: '履歴と下書きはこのコンピューターから削除されます。サーバーの記録は残ります。',
		unsentLost: (count: number) => `まだ送信されていないメッセージ${count}件は失われます。`,
		cancel: 'キャンセル',
		saved: '保存しました'
	},
	about: {
		title: '困ったときは',
		explained: 'アプリの状態を表示します。氏名、メッセージ、パスワードは含まれません。',
		show: '診断情報を表示',
		diagnostics: '診断情報',
		read: '渡す前に内容をご確認ください。自動で送信されることはありません。',
		copy: 'コピー',
		save: '保存…',
		saved: 'ファイルを保存しました',
		close: '閉じる'
	}
};
