import { expect, test } from 'vitest';
import { mentionAt, offered, templateAt } from './query';

const user = (id: string, name: string, role?: string) => ({ id, name, userType: 'clinician' as const, role });
const members = [
	user('suzuki', '鈴木 健一', '内科医'),
	user('yamada', '山田 さくら', '薬剤師'),
	user('anna', 'Anna Smith')
];
const ids = (query: string) => offered(members, query).map((member) => member.id);

test('an @ after a space, at the beginning or after Japanese begins a name, one within an address does not', () => {
	expect(mentionAt('@', 1)).toMatchObject({ kind: 'mention', start: 0, text: '' });
	expect(mentionAt('はい、@すず', 6)).toMatchObject({ kind: 'mention', start: 3, text: 'すず' });
	expect(mentionAt('はい@鈴', 4)).toMatchObject({ kind: 'mention', start: 2, text: '鈴' });
	expect(mentionAt('a@b', 3)).toBeNull();
	expect(mentionAt('@鈴木 ', 4)).toBeNull();
	expect(mentionAt('@suz のあと', 4)).toMatchObject({ kind: 'mention', start: 0, text: 'suz' });
});

test('members are found by kanji, kana and latin letters, and by what they do', () => {
	expect(ids('鈴木')).toEqual(['suzuki']);
	expect(ids('鈴木健')).toEqual(['suzuki']);
	expect(ids('サクラ')).toEqual(['yamada']);
	expect(ids('ＳＵＺ')).toEqual(['suzuki']);
	expect(ids('薬')).toEqual(['yamada']);
	expect(ids('smith')).toEqual(['anna']);
	expect(ids('')).toHaveLength(3);
	expect(ids('無い')).toEqual([]);
});

test('a / calls for a template at the beginning only, and only until a space', () => {
	expect(templateAt('/', 1)).toEqual({ kind: 'template', start: 0, text: '' });
	expect(templateAt('／申し', 3)).toEqual({ kind: 'template', start: 0, text: '申し' });
	expect(templateAt('血圧 120/80', 9)).toBeNull();
	expect(templateAt('/申し送り です', 8)).toBeNull();
	expect(templateAt('5/3', 3)).toBeNull();
});
