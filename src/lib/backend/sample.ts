/** People and talk for the fake backend. Nobody in it exists. */
import type { AttachmentView } from './bindings/AttachmentView';
import type { MessageView } from './bindings/MessageView';
import type { PresenceView } from './bindings/PresenceView';
import type { RoomKind } from './bindings/RoomKind';
import type { Template } from './bindings/Template';
import type { User } from './bindings/User';

export const people = {
	sato: { id: 'sato', name: '佐藤 恵', userType: 'clinician', role: '病棟看護師' },
	suzuki: { id: 'suzuki', name: '鈴木 健一', userType: 'clinician', role: '内科医' },
	yamada: { id: 'yamada', name: '山田 さくら', userType: 'clinician', role: '薬剤師' },
	tanaka: { id: 'tanaka', name: '田中 花子', userType: 'patient' }
} satisfies Record<string, User>;

/** People the reader shares no room with yet. */
export const colleagues: User[] = [
	{ id: 'kobayashi', name: '小林 大輔', userType: 'clinician', role: '放射線技師' },
	{ id: 'ito', name: 'いとう まなみ', userType: 'staff', role: '医事課' },
	{ id: 'smith', name: 'Anna Smith', userType: 'clinician', role: 'Physiotherapist' }
];

export const samplePresence: PresenceView[] = [
	{ userId: 'sato', status: 'available' },
	{ userId: 'suzuki', status: 'busy' },
	{ userId: 'yamada', status: 'onCall' }
];

/** What people write often. */
export const sampleTemplates = (): Template[] => [
	{ id: 'visit', title: '訪室します', content: '承知しました。これから伺います。' },
	{
		id: 'handover',
		title: '申し送り',
		content: '【申し送り】\n・バイタル: \n・食事: \n・排泄: \n・特記事項: '
	},
	{ id: 'thanks', title: 'お礼', content: 'ありがとうございます。助かりました。' }
];

const file = (id: string, name: string, mediaType: string, size: number, more?: Partial<AttachmentView>) => ({
	id,
	name,
	mediaType,
	size,
	state: { kind: 'remote' as const },
	...more
});

type Line = [author: keyof typeof people, content: string];

const WARD: Line[] = [
	['suzuki', 'おはようございます。今朝の回診は9時半から始めます。'],
	['sato', '承知しました。夜勤からの申し送りは終わっています。'],
	['yamada', '502号室の方、抗凝固薬の用量を変更しました。次回の採血は金曜です。'],
	['sato', 'ありがとうございます。カードックスに反映しました。'],
	['suzuki', '経過は良さそうですね。\n食事は三分粥から五分粥に上げてください。'],
	['sato', '昼食から変更します。'],
	['yamada', '退院処方は14時までに薬局から上がります。'],
	['suzuki', '助かります。家族への説明は15時の予定です。']
];
const PATIENT: Line[] = [
	['tanaka', 'おはようございます。昨夜は少し咳が出ましたが、よく眠れました。'],
	['sato', 'おはようございます、田中さん。お熱は測られましたか？'],
	['tanaka', '37.1度でした。'],
	['suzuki', '微熱ですね。水分をこまめに取って、午後にもう一度測ってください。'],
	['tanaka', 'わかりました。お薬は今日も同じで大丈夫ですか？']
];
const SUPPORT: Line[] = [
	['yamada', '3階ナースステーションのプリンターが紙詰まりです。'],
	['sato', '直りました。お騒がせしました。']
];
const NEWS: Line[] = [['suzuki', '【お知らせ】来週月曜は防災訓練のため、10時から30分間エレベーターが停止します。']];

export function sampleRooms() {
	return [
		room('patient-tanaka', '田中 花子さん', 'patient', ['sato', 'suzuki', 'tanaka'], PATIENT, 1, 12, 3),
		room('general', '3階病棟', 'staff', ['sato', 'suzuki', 'yamada'], WARD, 16, 35, 0),
		room('support', '院内サポート', 'staff', ['sato', 'yamada'], SUPPORT, 1, 190, 0),
		room('announcements', 'お知らせ', 'announcement', ['sato', 'suzuki', 'yamada', 'tanaka'], NEWS, 1, 60 * 26, 1)
	];
}

/** `lines` told `times` over, the last of them `minutesAgo`, with `unread` of others' at the end not yet read. */
function room(
	id: string,
	name: string,
	kind: RoomKind,
	members: (keyof typeof people)[],
	lines: Line[],
	times: number,
	minutesAgo: number,
	unread: number
) {
	const all = Array.from({ length: times }, () => lines).flat();
	const messages = all.map(([author, content], index): MessageView => {
		const age = minutesAgo + (all.length - 1 - index) * 47;
		const own = author === 'sato';
		return {
			key: `m-${id}-${index + 1}`,
			roomId: id,
			id: `m-${id}-${index + 1}`,
			seq: index + 1,
			pendingOrder: 0,
			author: people[author],
			own,
			content,
			priority: 'normal',
			createdAt: new Date(Date.now() - age * 60_000).toISOString(),
			delivery: own ? 'read' : undefined,
			readBy: own ? members.length - 1 : 0,
			edited: false,
			deleted: false,
			mentions: [],
			reactions: [],
			acknowledgedBy: [],
			attachments: []
		};
	});
	const others = messages.filter((row) => !row.own);
	const firstUnread = unread > 0 ? others.at(-unread)?.seq : undefined;
	const readSeq = firstUnread ? firstUnread - 1 : messages.length;
	const choices = { pinned: false, notify: 'usual' as const };
	return { view: { id, name, kind, members: members.map((member) => people[member]), readSeq, choices }, messages };
}

/** Own messages that have not been sent, each for another reason. */
export function sampleUnsent(): MessageView[] {
	const lines: [roomId: string, content: string, minutesAgo: number, state: Partial<MessageView>][] = [
		[
			'general',
			'503号室の方の転棟先が決まりました。14時に出発予定です。\n持参薬は薬局に返却済み、紹介状は病棟クラークさんが準備しています。\n家族の到着が遅れる場合は、先に検査を済ませてください。\n車椅子は1階の受付で借りられます。',
			18,
			{ delivery: 'failed', problem: 'forbidden' }
		],
		['support', 'PHSの充電器が足りません。2台お願いできますか？', 11, { delivery: 'failed', problem: 'refused' }],
		['patient-tanaka', '午後の体温も測れたら教えてくださいね。', 3, { delivery: 'queued', problem: 'rateLimited' }],
		['general', '昼のカンファレンスは12時半からに変更です。', 1, { delivery: 'sending' }],
		['general', '場所は同じ会議室です。', 1, { delivery: 'queued' }]
	];
	return lines.map(([roomId, content, minutesAgo, state], index) => ({
		key: `unsent-${index + 1}`,
		roomId,
		clientMessageId: `unsent-${index + 1}`,
		pendingOrder: index + 1,
		author: people.sato,
		own: true,
		content,
		priority: 'normal',
		createdAt: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
		readBy: 0,
		edited: false,
		deleted: false,
		mentions: [],
		reactions: [],
		acknowledgedBy: [],
		attachments: [],
		...state
	}));
}

/** Messages of the ward in which everything occurs that a message can hold. */
export function sampleBusy(): MessageView[] {
	const quote = {
		messageId: 'm-general-5',
		seq: 5,
		authorName: people.suzuki.name,
		preview: '経過は良さそうですね。',
		deleted: false
	};
	const lines: (Partial<MessageView> & { author: User; content: string })[] = [
		{
			author: people.yamada,
			content: '本日の胸部写真です。左右の肺野を比べてください。',
			attachments: [
				file('xray-front', '胸部正面.png', 'image/png', 1_843_200, { width: 1200, height: 1600 }),
				file('xray-side', '胸部側面.png', 'image/png', 1_640_100, { width: 1600, height: 1200 })
			]
		},
		{
			author: people.sato,
			content: '',
			attachments: [
				file('summary', '退院サマリー_2026年11月.pdf', 'application/pdf', 284_672, { state: { kind: 'here' } }),
				file('labs', '検査結果\u202egpj.xlsx', 'application/octet-stream', 48_128)
			]
		},
		{
			author: people.suzuki,
			content: '**至急**: 502号室の血圧が下がっています。\n- 収縮期 82\n- 脈拍 118\n@佐藤 恵 来てください。',
			priority: 'urgent',
			mentions: ['sato']
		},
		{
			author: people.yamada,
			content:
				'手順はこちらです https://intranet.hospital.example.jp/steps?id=12 を見てください。用量は `2*3*4 mg` のままです。',
			reactions: [
				{ emoji: '👍', names: [people.sato.name, people.suzuki.name], own: true },
				{ emoji: '🙏', names: [people.suzuki.name], own: false }
			]
		},
		{ author: people.suzuki, content: '了解。五分粥のままにします。', replyTo: quote, edited: true },
		{ author: people.sato, content: '', deleted: true },
		{ author: people.yamada, content: '```\nNa 138\nK  4.1\nCl 102\n```' },
		{ author: people.suzuki, content: '' },
		{
			author: people.sato,
			content: '今から伺います。',
			replyTo: { ...quote, messageId: 'gone', seq: undefined, authorName: '', preview: '' }
		}
	];
	return lines.map((line, index) => {
		const own = line.author.id === 'sato';
		const seq = 1_001 + index;
		return {
			key: `m-general-${seq}`,
			roomId: 'general',
			id: `m-general-${seq}`,
			seq,
			pendingOrder: 0,
			own,
			priority: 'normal',
			createdAt: new Date(Date.now() - (lines.length - index) * 60_000).toISOString(),
			delivery: own ? 'delivered' : undefined,
			readBy: own ? 1 : 0,
			edited: false,
			deleted: false,
			mentions: [],
			reactions: [],
			acknowledgedBy: [],
			attachments: [],
			...line
		};
	});
}
