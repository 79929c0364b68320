/** 日本語. The first language: `en.ts` has to say the same things. */
export const ja = {
	productName: 'HugMeDo Chat',
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
	rooms: {
		title: 'ルーム',
		filter: 'ルームを絞り込む',
		noMatch: '一致するルームはありません',
		none: '参加しているルームはまだありません',
		noneHint: '管理者がルームに追加すると、ここに表示されます。',
		choose: 'ルームを選んでください',
		chooseHint: '左の一覧から会話を開けます。',
		unread: (count: number) => `未読${count}件`,
		unsent: (count: number) => `未送信${count}件`,
		draft: '下書き',
		noMessages: 'メッセージはまだありません',
		you: '自分',
		deleted: 'メッセージは取り消されました',
		add: 'ルームを追加',
		addId: 'ルームID',
		addSubmit: '追加',
		cancel: 'キャンセル',
		kind: { patient: '患者さんとのルーム', staff: 'スタッフ', announcement: 'お知らせ' },
		kindShort: { patient: '患者', staff: 'スタッフ', announcement: 'お知らせ' },
		members: (count: number) => `${count}人`,
		patientReads: '患者さんも読んでいます'
	},
	timeline: {
		label: (room: string) => `${room}のメッセージ`,
		empty: 'まだメッセージはありません。最初のメッセージを送りましょう。',
		newMessages: 'ここから新しいメッセージ',
		jumpToLatest: '最新へ移動',
		newBelow: (count: number) => `新着${count}件`,
		loadingEarlier: '以前のメッセージを読み込んでいます…',
		beginning: 'ここが会話の始まりです',
		incomplete: '以前のメッセージを読み込めませんでした。',
		tryAgain: '再試行',
		edited: '編集済み',
		deleted: 'このメッセージは取り消されました',
		urgent: '至急',
		showMore: 'すべて表示',
		showLess: '折りたたむ',
		retry: '再送信',
		discard: '破棄',
		opening: '開いています…',
		typing: (names: string[]) => `${names.map((name) => `${name}さん`).join('、')}が入力中…`,
		delivery: {
			failed: '送信できませんでした',
			queued: '送信待ち',
			sending: '送信中',
			sent: '送信済み',
			delivered: '配達済み',
			read: '既読'
		},
		readBy: (count: number) => `既読 ${count}`,
		userType: { clinician: '医療者', patient: '患者', staff: '職員', unknown: '' }
	},
	composer: {
		label: 'メッセージ',
		placeholder: (room: string) => `${room}へのメッセージ`,
		send: '送信',
		enterSends: 'Enterで送信、Shift+Enterで改行',
		ctrlEnterSends: 'Ctrl+Enterで送信、Enterで改行',
		remaining: (count: number) => `あと${count.toLocaleString('ja-JP')}文字`,
		tooLong: (over: number) =>
			`${over.toLocaleString('ja-JP')}文字超えています。短くするか、分けて送ってください（入力した内容は残ります）。`
	},
	connection: {
		idle: '未接続',
		connecting: '接続しています…',
		catchingUp: '最新の状態を取得しています…',
		live: '接続済み',
		offline: (since: string) => `${since}からオフライン`,
		authRequired: 'もう一度サインインが必要です',
		retryIn: (seconds: number) => `${seconds}秒後に再接続します。`,
		retryNow: '今すぐ接続',
		lastConfirmed: (time: string) => `最終確認 ${time}`,
		waits: 'メッセージは保管され、つながり次第自動で送信されます。',
		limited: 'このサーバーでは、配達・既読の確認と過去の履歴は利用できません。'
	},
	settings: {
		title: '設定',
		back: '戻る',
		language: '表示言語',
		theme: '外観',
		themes: { system: 'システムに合わせる', light: 'ライト', dark: 'ダーク' },
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
		account: 'アカウント',
		signedInAs: (name: string, server: string) => `${name}（${server}）`,
		signOut: 'サインアウト',
		signOutConfirm: 'サインアウトしますか？',
		signOutExplained: '履歴と下書きはこのコンピューターから削除されます。サーバーの記録は残ります。',
		unsentLost: (count: number) => `まだ送信されていないメッセージ${count}件は失われます。`,
		cancel: 'キャンセル',
		saved: '保存しました'
	},
	dates: {
		today: '今日',
		yesterday: '昨日'
	},
	errors: {
		invalidAddress: 'サーバーのアドレスを読み取れません。「chat.hospital.example.jp」のように入力してください。',
		addressHasPath: 'アドレスにはサーバー名だけを入力してください（「/」より後ろは不要です）。',
		insecureAddress: 'この接続は暗号化されません。「https://」で始まるアドレスを管理者に確認してください。',
		unreachable: 'サーバーに接続できません。アドレスとネットワークを確認して、もう一度お試しください。',
		timeout: 'サーバーからの応答がありません。少し待って、もう一度お試しください。',
		untrustedCertificate: 'サーバーの証明書を確認できません。接続せず、管理者に連絡してください。',
		notAChatServer: 'このアドレスはHugMeDo Chatのサーバーではないようです。アドレスを確認してください。',
		unauthorized: 'ユーザー名かパスワード（またはトークン）が正しくありません。確認して入力し直してください。',
		otpRequired: '二要素認証が必要なアカウントです。管理者に連絡してください。',
		sessionExpired: 'サインインの有効期限が切れました。もう一度サインインしてください。',
		userIdRequired: 'このトークンにはユーザーIDが含まれていません。ユーザーIDも入力してください。',
		forbidden: 'このルームでは許可されていません。メンバーから外れた可能性があります。管理者に確認してください。',
		notFound: '見つかりません。ルームから外れたか、削除された可能性があります。',
		tooLong: 'メッセージが長すぎます。短くするか、分けて送ってください。',
		empty: '内容を入力してください。',
		rateLimited: '操作が続きすぎています。少し待って、もう一度お試しください。',
		serverUnavailable: 'サーバーが一時的に応答できません。自動で再試行します。',
		refused: 'サーバーに受け付けられませんでした。内容を確認するか、管理者に連絡してください。',
		notSignedIn: 'サインインしていません。サインインしてください。',
		diskFull:
			'このコンピューターの空き容量がありません。不要なファイルを削除してください。入力した内容は画面に残っています。',
		storeFailed: 'このコンピューターに保存できません。空き容量と権限を確認し、続く場合は管理者に連絡してください。',
		storeTooNew:
			'保存データは新しいバージョンのアプリで作られています。アプリを更新してください。データはそのまま残っています。',
		storeUnreadable: '保存データを開けなかったため、別に保管しました。履歴はサーバーから取得し直します。',
		keychainMissing:
			'このコンピューターのキーチェーン（パスワード保管）が使えないため、サインインを保存できません。「記憶せずに続ける」を選ぶか、管理者に連絡してください。',
		keychainLocked:
			'キーチェーンがロックされています。ロックを解除してから、アプリを起動し直すか、もう一度サインインしてください。',
		internal: 'アプリ内部の問題が起きました。もう一度試し、続く場合はアプリを起動し直してください。'
	}
};

export type Texts = typeof ja;
