/**
 * The packages on a Debian that has never seen this product: they bring everything they need, the installed app talks to the
 * installed server, an upgrade keeps what people have, and taking them away leaves what is documented and nothing else.
 *
 *     npm run tauri build && cargo deb -p hugmedo-chat-server && npm run test:packages
 */
import assert from 'node:assert/strict';
import {
	chmodSync,
	chownSync,
	cpSync,
	existsSync,
	mkdirSync,
	readFileSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ask } from '../../scripts/processes.mjs';
import { cargoEnv, debian as packages, root, targetDir } from '../../scripts/setup.mjs';
import { Debian, nextVersion } from './debian.mjs';

const DATA = '/var/lib/hugmedo-chat-server';
const SETTINGS = '/etc/hugmedo-chat-server/environment';

/** The newest package of a name. */
function built(folder, begin) {
	const found = readdirSync(folder)
		.filter((name) => name.startsWith(begin) && name.endsWith('.deb'))
		.map((name) => join(folder, name))
		.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
	assert.ok(found.length > 0, `no ${begin}*.deb in ${folder}; build it first, see the head of this file`);
	return found[0];
}

describe('on a clean Debian 12', () => {
	let debian, app, server, untouched;

	before(() => {
		app = built(join(targetDir, 'release', 'bundle', 'deb'), 'hugmedo-chat_');
		server = built(join(targetDir, 'debian'), 'hugmedo-chat-server_');
		debian = Debian.make();
		mkdirSync(debian.path('packages'));
		for (const file of [app, server]) cpSync(file, debian.path('packages', file.split('/').at(-1)));
		untouched = new Set(debian.files());
	});
	after(() => debian?.remove());

	const inside = (file) => join('/packages', file.split('/').at(-1));
	/** Runs Node inside, with the installed programs under test. */
	const node = (...args) =>
		debian.run('/opt/lent/bin/node', args, {
			env: {
				// What is lent comes last: nothing of it stands in for what the packages should have brought.
				PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/lent/bin',
				HUGMEDO_CHAT_APP_PROGRAM: '/usr/bin/hugmedo-chat',
				HUGMEDO_CHAT_SERVER_PROGRAM: '/usr/bin/hugmedo-chat-server'
			}
		});
	/** An administration command as the documentation tells to type it. */
	const administer = (args, input) =>
		debian.run(
			'runuser',
			['-u', 'hugmedo-chat-server', '--', 'env', `HUGMEDO_CHAT_DATA_DIR=${DATA}`, 'hugmedo-chat-server', ...args],
			{ input }
		);

	test('both install with all they need', () => {
		debian.install(inside(app), inside(server));
		assert.match(debian.run('hugmedo-chat', ['--version']), /^hugmedo-chat \d+\.\d+\.\d+/);
		assert.match(debian.run('hugmedo-chat-server', ['--version']), /^hugmedo-chat-server \d+\.\d+\.\d+/);
		const asksFor = (field) => debian.run('dpkg-query', ['--show', `--showformat=\${${field}}`, 'hugmedo-chat']);
		assert.match(asksFor('Depends'), /libayatana-appindicator3-1/, 'the tray, which is loaded by name while it runs');
		assert.match(asksFor('Recommends'), /gnome-keyring/);
		assert.doesNotMatch(debian.run('ldd', ['/usr/bin/hugmedo-chat']), /not found/);
	});

	test('the menu entry, its icon and the description for software centres are right', () => {
		debian.install('desktop-file-utils', 'appstream');
		debian.run('desktop-file-validate', ['/usr/share/applications/hugmedo-chat.desktop']);
		debian.run('appstreamcli', ['validate', '--no-net', '/usr/share/metainfo/jp.hugmedo.chat.metainfo.xml']);
		const entry = readFileSync(debian.path('/usr/share/applications/hugmedo-chat.desktop'), 'utf8');
		assert.match(entry, /^Exec=hugmedo-chat/m);
		assert.match(entry, /^Name\[ja\]=/m);
		assert.match(entry, /^MimeType=x-scheme-handler\/hugmedo-chat;$/m);
		for (const size of ['32x32', '128x128', '256x256@2']) {
			assert.ok(existsSync(debian.path(`/usr/share/icons/hicolor/${size}/apps/hugmedo-chat.png`)), size);
		}
	});

	test('the server has a user, a folder nobody else looks into, and a unit that systemd accepts', () => {
		assert.match(debian.run('getent', ['passwd', 'hugmedo-chat-server']), /hugmedo-chat-server/);
		assert.match(debian.run('stat', ['--format=%U %a', DATA]), /^hugmedo-chat-server 700/);
		debian.install('systemd');
		debian.run('systemd-analyze', ['verify', 'hugmedo-chat-server.service']);
		// A link, and one that leads somewhere only from inside.
		debian.run('test', ['-L', '/etc/systemd/system/multi-user.target.wants/hugmedo-chat-server.service']);
	});

	test('people and rooms are added as the documentation says', () => {
		administer(['user', 'add', 'sato', '--name', '佐藤 恵', '--type', 'clinician'], 'not-a-password-of-anyone\n');
		administer(['room', 'add', 'general', '--name', '病棟', '--kind', 'staff']);
		administer(['room', 'member', 'general', 'sato']);
		assert.match(administer(['audit', 'verify']), /\d/);
	});

	test('the installed app signs in to the installed server and chats, with keyring and notifications', () => {
		debian.install(...packages.virtualDesktop, 'webkit2gtk-driver');
		for (const part of ['package.json', 'e2e', 'scripts']) {
			cpSync(join(root, part), debian.path('repository', part), { recursive: true });
		}
		debian.lend(process.execPath);
		debian.lend(ask('which', ['tauri-driver'], { env: cargoEnv }));
		const log = node('--test', '--test-concurrency=1', '/repository/e2e/window/chat.test.mjs');
		assert.match(log, /^# fail 0$|^ℹ fail 0$/m);
	});

	test('a policy is followed if it is root’s alone, and what is wrong with it is said', () => {
		const place = debian.path('/etc/hugmedo-chat/policy.json');
		const check = () => debian.run('hugmedo-chat', ['--check-policy'], { mayFail: true });
		mkdirSync(dirname(place), { recursive: true });
		writeFileSync(place, '{ "server": "https://chat.example.org", "lockAfterMinutes": 5 }', { mode: 0o644 });
		assert.equal(check(), 'decided: server, lockAfterMinutes\n');
		chownSync(place, 1000, 1000);
		assert.match(check(), /is not the administrator's/);
		chownSync(place, 0, 0);
		chmodSync(place, 0o666);
		assert.match(check(), /others may change/);
		chmodSync(place, 0o644);
		chmodSync(dirname(place), 0o777);
		assert.match(check(), /others may change/);
		chmodSync(dirname(place), 0o755);
		writeFileSync(place, '{ "lockAfterMinuts": 5 }');
		assert.match(check(), /there is no key `lockAfterMinuts`/);
		rmSync(dirname(place), { recursive: true });
		assert.equal(check(), 'decided: nothing\n');
	});

	test('an upgrade keeps people, messages, changed settings, and who is signed in', () => {
		debian.run('mkdir', ['/tmp/upgraded']);
		node('/repository/e2e/packages/upgraded.mjs', 'before', '/tmp/upgraded');
		writeFileSync(debian.path(SETTINGS), `${readFileSync(debian.path(SETTINGS), 'utf8')}HUGMEDO_CHAT_LOG=warn\n`);
		const before = administer(['audit', 'export']);
		for (const file of [app, server]) {
			const next = nextVersion(debian.path(inside(file)), '99.0.0');
			debian.install(inside(next));
		}
		assert.match(debian.run('dpkg-query', ['--show', '--showformat=${Version}', 'hugmedo-chat-server']), /^99\.0\.0/);
		assert.match(readFileSync(debian.path(SETTINGS), 'utf8'), /HUGMEDO_CHAT_LOG=warn/);
		assert.ok(administer(['audit', 'export']).startsWith(before.trimEnd()));
		node('/repository/e2e/packages/upgraded.mjs', 'after', '/tmp/upgraded');
	});

	test('purging leaves the conversations, says so, and leaves nothing else', () => {
		const said = debian.run('apt-get', ['purge', '--yes', 'hugmedo-chat', 'hugmedo-chat-server']);
		assert.match(said, /stay in \/var\/lib\/hugmedo-chat-server/);
		const left = debian.files().filter((file) => !untouched.has(file) && /hugmedo/i.test(file));
		assert.deepEqual(
			left.filter((file) => !file.startsWith(DATA)),
			[]
		);
		assert.ok(left.includes(DATA));
	});
});
