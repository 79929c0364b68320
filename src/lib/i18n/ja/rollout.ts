/** 導入と管理。組織が決めた設定、はじめての接続、更新、データの削除。 */
import type { PolicyProblem } from '$lib/backend/bindings/PolicyProblem';

const faults: Record<PolicyProblem['fault'], string> = {
	unreadable: 'ファイルを読み取れません。全員が読めるようにしてください。',
	wrongOwner: 'ファイルかそのフォルダーの所有者が管理者ではありません。所有者を管理者（root）にしてください。',
	writable: '管理者以外がファイルかそのフォルダーに書き込めます。書き込み権限を外してください。',
	malformed: '内容がJSONとして正しくありません。書式を直してください。',
	unknownKey: 'この名前の項目はありません。つづりを直すか、削除してください。',
	wrongValue: '値が正しくありません。管理者ガイドの説明に合わせて直してください。'
};

export const rollout = {
	policy: {
		managed: '組織が設定しています',
		broken:
			'組織の設定ファイルに問題があるため、関係する設定を変更できません。この画面を管理者に見せてください。メッセージの送受信は続けられます。',
		problem: ({ key, fault }: PolicyProblem) => `${key ? `「${key}」: ` : ''}${faults[fault]}`
	},
	firstRun: {
		test: '接続をテスト',
		testing: '確認しています…',
		found: {
			extended: (address: string) => `${address} につながりました。サインインできます。`,
			baseline: (address: string) => `${address} につながりました。アクセストークンでサインインしてください。`
		},
		offerTitle: 'このサーバーを使いますか？',
		offer: (server: string) => `リンクで次のサーバーが指定されました: ${server}`,
		offerHint:
			'組織の管理者から受け取ったリンクの場合だけ続けてください。別の人のサーバーにパスワードを入力すると、盗まれるおそれがあります。',
		offerUse: 'このサーバーを使う',
		offerNo: '使わない',
		offerSignedIn: 'いまのサーバーからサインアウトした後で、もう一度リンクを開いてください。',
		offerManaged: 'サインインするサーバーは組織が決めています。',
		close: '閉じる'
	},
	updates: {
		title: '更新',
		states: {
			off: '更新は組織の管理者が行います。',
			elsewhere: '更新はこのアプリからではなく、システムのパッケージ管理で行われます。',
			unknown: '新しいバージョンは自動で確認されます。',
			newest: 'いまのバージョンが最新です。',
			failed:
				'新しいバージョンを取得または検証できませんでした。何も変更していません。ネットワークを確認して、後でもう一度お試しください。'
		},
		ready: (version: string) =>
			`バージョン ${version} の準備ができました。しばらく使われていないときに自動で切り替わります。`,
		callOpen: '至急のメッセージへの応答が済むまで、切り替えません。',
		look: '今すぐ確認',
		looking: '確認しています…',
		begin: '今すぐ切り替える'
	},
	exporting: {
		action: '会話をファイルに保存…',
		hint: 'ファイルは暗号化されません。患者さんの情報が含まれる記録として、組織の決まりに従って扱ってください。',
		saved: '保存しました'
	},
	removal: {
		title: 'データの消去',
		explained: 'このコンピューターからこのアプリのデータをすべて消去します。サーバーの記録は残ります。',
		action: 'データをすべて消去…',
		question: 'このコンピューターからデータをすべて消去しますか？',
		what: 'すべてのアカウントの履歴・下書き・サインイン情報、PIN、設定、ログが消去され、自動起動も解除されて、アプリが終了します。元に戻すことはできません。',
		confirm: 'すべて消去して終了',
		cancel: 'キャンセル'
	}
};
