/**
 * The packages on a Debian that has never seen this product: they bring everything they need, the installed app talks to the
 * installed server, an upgrade keeps what people have, and taking them away leaves what is documented and nothing else.
 *
 *     npm run tauri build && cargo deb -p hugmedo-chat-server && npm run test:packages
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newestPackage } from '../../scripts/build.mjs';
import { ask } from '../../scripts/processes.mjs';
import { cargoEnv, debian as packages, root, targetDir } from '../../scripts/setup.mjs';
import { Debian, nextVersion } from './debian.mjs';
import { commandsUnder } from './documented.mjs';

const DATA = '/var/lib/hugmedo-chat-server';
/** The server's user, which is called as its program is. */
const USER = 'hugmedo-chat-server';
const UNIT = `${USER}.service`;
const PASSWORD = 'not-a-password-of-anyone';
const SETTINGS = '/etc/hugmedo-chat-server/environment';

describe('on a clean Debian 12', () => {
	let debian, app, server, rpm, untouched;
	/** The server's process, and where it listens. */
	let service, address;

	before(() => {
		app = newestPackage(join(targetDir, 'release', 'bundle', 'deb'), 'hugmedo-chat_');
		server = newestPackage(join(targetDir, 'debian'), 'hugmedo-chat-server_');
		rpm = newestPackage(join(targetDir, 'release', 'bundle', 'rpm'), 'hugmedo-chat-', 'rpm');
		debian = Debian.make();
		mkdirSync(debian.path('packages'));
		for (const file of [app, server, rpm]) cpSync(file, debian.path('packages', file.split('/').at(-1)));
		untouched = new Set(debian.files());
	});
	after(async () => {
		await service?.stop();
		debian?.remove();
	});

	const inside = (file) => join('/packages', file.split('/').at(-1));
	/** Runs Node inside, with the installed programs under test. */
	const node = (args, input) =>
		debian.run('/opt/lent/bin/node', args, {
			input,
			env: {
				// What is lent comes last: nothing of it stands in for what the packages should have brought.
				PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/lent/bin',
				HUGMEDO_CHAT_APP_PROGRAM: '/usr/bin/hugmedo-chat',
				HUGMEDO_CHAT_SERVER_PROGRAM: '/usr/bin/hugmedo-chat-server'
			}
		});
	/** Types a line as root. `hugmedo` is the documentation's, with what is on every Debian in the place of sudo. */
	const type = (line, input, options) =>
		debian.run(
			'sh',
			['-c', `hugmedo() { runuser -u ${USER} -- env HUGMEDO_CHAT_DATA_DIR=${DATA} ${USER} "$@"; }\n${line}`],
			{ input, ...options }
		);
	/** Whether someone can sign in to the running server. */
	const signsIn = async (username) => {
		const body = JSON.stringify({ username, password: PASSWORD, deviceId: 'ward-pc' });
		const headers = { 'content-type': 'application/json' };
		return (await fetch(`${address}/api/login`, { method: 'POST', headers, body })).status === 200;
	};

	/** Starts the server as its unit says, by hand: nothing here is started by systemd, so its walls are not tried. */
	const serve = async () => {
		const unit = readFileSync(debian.path('/lib/systemd/system', UNIT), 'utf8');
		const [user, settings, command] = ['User', 'EnvironmentFile', 'ExecStart'].map(
			(key) => unit.match(new RegExp(`^${key}=(.+)$`, 'm'))[1]
		);
		const environment = readFileSync(debian.path(settings), 'utf8').match(/^\w+=.*$/gm);
		// Not by runuser, which would end before the server has.
		const as = [`--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
		service = debian.start('the server', 'setpriv', [...as, 'env', ...environment, ...command.split(' ')]);
		[, address] = await service.line(1, /^listening on (http:\S+)$/, 60);
	};
	/** Someone at a computer across the upgrade, see upgraded.mjs. */
	const atWork = (phase) => node(['/repository/e2e/packages/upgraded.mjs', phase, '/tmp/upgraded', address], PASSWORD);

	test('both install with all they need', () => {
		debian.install(inside(app), inside(server));
		assert.match(debian.run('hugmedo-chat', ['--version']), /^hugmedo-chat \d+\.\d+\.\d+/);
		assert.match(debian.run('hugmedo-chat-server', ['--version']), /^hugmedo-chat-server \d+\.\d+\.\d+/);
		const asksFor = (field) => debian.run('dpkg-query', ['--show', `--showformat=\${${field}}`, 'hugmedo-chat']);
		assert.match(asksFor('Depends'), /libayatana-appindicator3-1/, 'the tray, which is loaded by name while it runs');
		assert.match(asksFor('Recommends'), /gnome-keyring/);
		assert.match(asksFor('Maintainer'), /^HugMeDo/);
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
		for (const size of ['16x16', '24x24', '32x32', '48x48', '64x64', '128x128', '256x256', '256x256@2', '512x512']) {
			assert.ok(existsSync(debian.path(`/usr/share/icons/hicolor/${size}/apps/hugmedo-chat.png`)), size);
		}
	});

	test('the .rpm asks for what it needs and holds what the .deb does; on a Fedora it was not installed', () => {
		debian.install('rpm', 'cpio');
		const says = (what) => debian.run('rpm', ['--query', '--package', what, inside(rpm)]);
		for (const library of ['libwebkit2gtk-4.1', 'libgtk-3', 'libayatana-appindicator3']) {
			assert.ok(says('--requires').includes(library), library);
		}
		assert.match(says('--recommends'), /^gnome-keyring$/m);
		assert.match(says('--list'), /^\/usr\/share\/icons\/hicolor\/128x128\/apps\/hugmedo-chat\.png$/m);
		const at = '/tmp/unpacked';
		debian.run('sh', [
			'-c',
			`mkdir ${at} && cd ${at} && rpm2cpio ${inside(rpm)} | cpio --extract --make-directories --quiet`
		]);
		for (const file of [
			'/usr/share/applications/hugmedo-chat.desktop',
			'/usr/share/metainfo/jp.hugmedo.chat.metainfo.xml'
		]) {
			assert.equal(readFileSync(debian.path(at, file), 'utf8'), readFileSync(debian.path(file), 'utf8'), file);
		}
		assert.match(debian.run(join(at, 'usr/bin/hugmedo-chat'), ['--version']), /^hugmedo-chat \d+\.\d+\.\d+/);
	});

	test('the server has a user, a folder nobody else looks into, and a unit that systemd accepts, with high walls', () => {
		assert.match(debian.run('getent', ['passwd', 'hugmedo-chat-server']), /hugmedo-chat-server/);
		assert.match(debian.run('stat', ['--format=%U %a', DATA]), /^hugmedo-chat-server 700/);
		debian.install('systemd');
		// What it does not understand it says, and still calls it well.
		assert.equal(debian.run('systemd-analyze', ['verify', '--recursive-errors=no', UNIT]), '');
		// In tenths, from 0 to 100; what is left is that it has a network and may listen to everyone.
		debian.run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=15', UNIT]);
		// A link, and one that leads somewhere only from inside.
		debian.run('test', ['-L', join('/etc/systemd/system/multi-user.target.wants', UNIT)]);
	});

	test('people and rooms are added as the documentation says', () => {
		for (const line of commandsUnder('People and rooms').slice(0, 3)) type(line, `${PASSWORD}\n`);
		assert.match(type('hugmedo audit verify'), /\d/);
	});

	test('the server starts as its unit says: its user, its settings, its folder', async () => {
		await serve();
		assert.equal(address, 'http://127.0.0.1:3011');
		assert.equal((await fetch(`${address}/readyz`)).status, 200);
	});

	test('every command about people and rooms that the documentation shows is done while the server runs', async () => {
		// For someone else and elsewhere, because they end with an account that is closed.
		const others = (line) =>
			line.replaceAll('sato', 'suzuki').replaceAll('ward-3', 'ward-4').replace('DEVICE', 'ward-pc');
		for (const line of commandsUnder('People and rooms').map(others)) {
			if (line.includes(' disable ')) assert.ok(await signsIn('suzuki'));
			const said = type(line, `${PASSWORD}\n`, { mayFail: line.includes(' reset-second-factor ') });
			// Nobody has set one up there.
			if (line.includes(' reset-second-factor ')) assert.match(said, /no such second factor/);
		}
		assert.ok(!(await signsIn('suzuki')));
		for (const [list, what] of [
			['user list', 'suzuki'],
			['room list', 'ward-4'],
			['device list suzuki', 'ward-pc']
		]) {
			const found = type(`hugmedo ${list}`)
				.trim()
				.split('\n')
				.map((line) => JSON.parse(line));
			assert.ok(
				found.some(({ id }) => id === what),
				list
			);
		}
	});

	test('the installed app and server chat with the sample people, with keyring and notifications', () => {
		debian.install(...packages.virtualDesktop, 'webkit2gtk-driver');
		for (const part of ['package.json', 'e2e', 'scripts']) {
			cpSync(join(root, part), debian.path('repository', part), { recursive: true });
		}
		debian.lend(process.execPath);
		debian.lend(ask('which', ['tauri-driver'], { env: cargoEnv }));
		const log = node(['--test', '--test-concurrency=1', '/repository/e2e/window/chat.test.mjs']);
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

	test('who was added signs in to the installed server, and an upgrade keeps them signed in, their words and the settings', async () => {
		debian.run('mkdir', ['/tmp/upgraded']);
		atWork('before');
		writeFileSync(debian.path(SETTINGS), `${readFileSync(debian.path(SETTINGS), 'utf8')}HUGMEDO_CHAT_LOG=warn\n`);
		const before = type('hugmedo audit export');
		// As the package does where systemd runs.
		await service.stop();
		for (const file of [app, server]) {
			const next = nextVersion(debian.path(inside(file)), '99.0.0');
			debian.install(inside(next));
		}
		assert.match(debian.run('dpkg-query', ['--show', '--showformat=${Version}', 'hugmedo-chat-server']), /^99\.0\.0/);
		assert.match(readFileSync(debian.path(SETTINGS), 'utf8'), /HUGMEDO_CHAT_LOG=warn/);
		assert.ok(type('hugmedo audit export').startsWith(before.trimEnd()));
		await serve();
		atWork('after');
	});

	test('a backup is made and put back as the documentation says, and then everyone has to sign in again', async () => {
		const signedIn = () => /"isSignedIn":true/.test(type('hugmedo device list sato'));
		assert.ok(signedIn());
		debian.run('mkdir', ['--parents', '/somewhere/else']);
		for (const line of commandsUnder('Backup and restore')) {
			if (line.startsWith('systemctl stop')) await service.stop();
			else if (line.startsWith('systemctl start')) await serve();
			else type(line.replace(/\$\(date \+%F\)|\d{4}-\d\d-\d\d/, 'a-day'));
		}
		assert.equal((await fetch(`${address}/readyz`)).status, 200);
		assert.ok(!signedIn());
		assert.ok(await signsIn('sato'));
		for (const folder of ['/somewhere', '/var/backups/hugmedo-chat']) debian.run('rm', ['-r', folder]);
	});

	test('purging leaves the conversations, says so, and leaves nothing else', async () => {
		await service.stop();
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
