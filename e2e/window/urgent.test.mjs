/**
 * An urgent message reaches someone: it is raised again until it is taken on, and the server brings it to those on call, with its
 * sender's computer off. The waits are those a person would have: the shortest there are, of a minute.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Notices } from './peers.mjs';
import { Stage } from './stage.mjs';
import { Key } from './webdriver.mjs';

describe('an urgent message', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {import('./computer.mjs').Computer} */ let suzuki;
	/** @type {Notices} */ let notices;
	let server, yamada, second;

	const call = async (method, path, token, body) => {
		const answer = await server.call(method, path, { token, body });
		assert.equal(answer.status, 200, path);
		return answer.body;
	};
	const about = (text) => notices.raised.filter(({ body }) => body.includes(text));
	const audit = () => server.administer('audit', 'export').trim().split('\n').map(JSON.parse);

	before(async () => {
		server = await stage.server();
		server.administer('room', 'escalate', 'general', '--after', '1');
		yamada = (await server.signIn('yamada')).token;
		[sato, suzuki] = await Promise.all([stage.computer('sato', { notices: false }), stage.computer('suzuki')]);
		notices = await Notices.start(sato);
		await Promise.all([sato.openApp(), suzuki.openApp()]);
		await Promise.all([sato.signIn(server, 'sato', 'hugmedo-demo'), suzuki.signIn(server, 'suzuki', 'hugmedo-demo')]);
		await Promise.all([sato.isLive(), suzuki.isLive()]);
		// As short as it goes; and with the text, to tell them apart.
		await sato.click(testid('settings'));
		await sato.choose(testid('urgent-repeat'), '1');
		await sato.clickLabel('送信者と本文');
		await sato.click('a[href="/rooms"]');
		await sato.openRoom('announcements');
	});
	afterEach((context) => keepEvidence(context, { sato, suzuki }));
	after(async () => {
		notices?.stop();
		await stage.clear();
	});

	test('that someone takes on from another client is settled for everyone', async () => {
		const body = {
			content: '薬剤の確認',
			attachments: [],
			metadata: {},
			clientMessageId: randomUUID(),
			priority: 'urgent'
		};
		const token = (await server.signIn('suzuki')).token;
		second = await call('POST', '/api/rooms/support/messages', token, body);
		await eventually(() => about('薬剤の確認').length === 1, 15, 'the alert');
		await call('POST', '/api/events/acknowledge', yamada, { roomId: 'support', messageId: second.id });
	});

	test('is sent after a question that names whom it alerts', async () => {
		await suzuki.openRoom('general');
		await suzuki.click(testid('urgent'));
		await suzuki.write(`302号室に来てください${Key.enter}`);
		await eventually(() => suzuki.sees(testid('urgent-dialog')), 15, 'the question');
		assert.match(await suzuki.text(testid('urgent-dialog')), /佐藤 恵/);
		assert.equal(about('302号室').length, 0, 'nothing has gone out');
		await suzuki.click(testid('urgent-yes'));
		await eventually(() => about('302号室').length === 1, 15, 'the alert');
		assert.equal(about('302号室')[0].hints.urgency, 2);
	});

	test('shows its sender, for each member, how far it has come', async () => {
		await suzuki.message('302号室に来てください', (row) => row.delivery !== 'queued' && row.delivery !== 'sending');
		const { messages } = await call('GET', '/api/rooms/general/messages?limit=1', yamada);
		await call('POST', '/api/events/delivered', yamada, { roomId: 'general', upToSeq: messages.at(-1).seq });
		const row = await suzuki.mark(testid('message'), '302号室に来てください');
		await suzuki.page.run(`function (selector) { document.querySelector(selector).focus(); }`, row);
		await suzuki.click(`${row} ${testid('message-more')}`);
		await suzuki.click(await suzuki.mark('[role=menuitem]', '詳細'));
		const lines = async () => (await suzuki.text(testid('details-dialog'))).replace(/\s+/g, ' ');
		await eventually(async () => /佐藤 恵 端末に到着/.test(await lines()), 15, 'sato to have it');
		await eventually(async () => /山田 さくら 端末に到着/.test(await lines()), 15, 'yamada to have it');
	});

	test("is raised again, and brought to those on call, with its sender's app killed", async () => {
		await suzuki.crashApp();
		await eventually(() => about('302号室').length >= 2, 110, 'it to be raised again');
		const again = about('302号室').at(-1);
		assert.match(again.hints['sound-file'], /urgent\.wav$/);
		assert.ok(
			!notices.shown.has(about('302号室')[0].number) || again.number === about('302号室')[0].number,
			'in place of the first'
		);
		await eventually(() => notices.raised.some(({ body }) => /^HugMeDo/.test(body)), 110, 'the word of the server');
		// It was due before, and someone had taken it on.
		assert.equal(about('薬剤の確認').length, 1);
		const { messages } = await call('GET', '/api/rooms/general/messages?limit=5', yamada);
		const escalated = messages.find(({ metadata }) => metadata?.system === 'escalated');
		assert.deepEqual(escalated.mentions, ['yamada'], 'who is on call');
	});

	test('is over for everyone once it is taken on; the room and the audit say who did', async () => {
		const { messages } = await call('GET', '/api/rooms/general/messages?limit=5', yamada);
		const original = messages.find(({ content }) => content.includes('302号室'));
		await call('POST', '/api/events/acknowledge', yamada, { roomId: 'general', messageId: original.id });
		sato.focusWindow();
		await sato.openRoom('general');
		await eventually(
			async () => (await sato.messages()).some(({ text }) => /302号室に来てください[^]*対応: 山田/.test(text)),
			15,
			'who has taken it on'
		);
		await eventually(() => ![...notices.shown.values()].some(({ body }) => /302号室/.test(body)), 15, 'an end of it');
		const deeds = audit().map(({ action, actor }) => `${action} ${actor ?? ''}`.trim());
		assert.ok(
			deeds.some((deed) => /^acknowledge.* yamada$/.test(deed)),
			'the audit has who took it on'
		);
		assert.ok(
			deeds.some((deed) => /^escalate/.test(deed)),
			'and that it was escalated'
		);
	});
});
