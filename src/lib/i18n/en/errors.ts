/** What did not work, each with a next step. */
import type { Texts } from '../ja';

export const errors: Pick<Texts, 'errors'> = {
	errors: {
		locked: 'The app is locked. Unlock it and try again.',
		wrongPin: 'That is not the PIN. Enter it again.',
		pinUsedUp: 'The PIN was mistyped too often. Sign in to unlock.',
		invalidPin: 'Choose a PIN of 4 to 64 characters.',
		fileTooLarge: 'The file is too large. Make it smaller or share it another way.',
		unsupportedType: 'Files of this kind cannot be sent. Convert it, for instance to a PDF or a picture.',
		invalidAddress: 'This is not a server address. Enter it like chat.hospital.example.jp.',
		addressHasPath: 'Enter only the server’s name, without anything after a slash.',
		insecureAddress:
			'This connection would not be encrypted. Ask your administrator for an address that begins with https://.',
		unreachable: 'The server cannot be reached. Check the address and your network, then try again.',
		hostNotFound:
			'There is no server of this name. Check its spelling, and that you are on the hospital’s network (VPN).',
		connectionRefused:
			'The computer is there but takes no connection. Check the address and its port; if it goes on, tell your administrator.',
		proxyUnreachable:
			'The proxy that is set cannot be reached. Check its address under “Connection settings”, or tell your network administrator.',
		proxyRefused:
			'The proxy does not let this connection through. Check the address, and ask your network administrator to allow this server.',
		serverTooOld: 'The server is too old for this app. Ask your administrator to update it.',
		timeout: 'The server does not answer. Wait a moment, then try again.',
		untrustedCertificate:
			'The server’s certificate cannot be trusted. Do not connect; tell your administrator. If your hospital has an authority of its own, its certificate file belongs under “Connection settings”.',
		notAChatServer: 'This does not seem to be a HugMeDo Chat server. Check the address.',
		unauthorized: 'The user name, password or token is not right. Check it and enter it again.',
		otpRequired: 'This account has a second factor. Enter the code your authenticator app shows.',
		otpSetupRequired: 'This account has to have a second factor first. Set one up where you sign in.',
		sessionExpired: 'Your sign-in has expired. Please sign in again.',
		userIdRequired: 'This token does not say whose it is. Enter your user ID too.',
		forbidden: 'This is not allowed here. You may no longer be a member of the room; ask your administrator.',
		notFound: 'It cannot be found. You may have left the room, or it was removed.',
		tooLong: 'The message is too long. Shorten it or send it in parts.',
		empty: 'Enter something first.',
		webSocketBlocked:
			'This network blocks WebSockets. The app changes back by itself once it can; if it goes on, ask your network administrator.',
		proxyInUse:
			'A proxy is set, so the usual connection (WebSocket) cannot be used. If no proxy is needed any more, clear it under “Connection settings” in the settings.',
		invalidProxy:
			'This proxy address cannot be used. Enter it like http://proxy.example.jp:8080, without a user name or password.',
		invalidCaFile:
			'The certificate file cannot be read. Check where it is and that it is a PEM file, then enter it again.',
		rateLimited: 'That was too often. Wait a moment, then try again.',
		serverUnavailable: 'The server cannot answer just now. The app tries again by itself.',
		refused: 'The server did not accept it. Check it, or contact your administrator.',
		notSignedIn: 'You are not signed in. Please sign in.',
		diskFull: 'This computer’s disk is full. Free some space; what you wrote is still on screen.',
		storeFailed:
			'Nothing can be stored on this computer. Check space and permissions; if it goes on, tell your administrator.',
		storeTooNew: 'The stored data is from a newer version of the app. Please update; the data is untouched.',
		storeUpgradeFailed:
			'The stored data could not be converted for this version of the app; it is as it was. Restart the app; if it goes on, tell your administrator (the version before can open it).',
		storeUnreadable:
			'The stored data could not be opened and was set aside. The history is fetched from the server again.',
		keychainMissing:
			'This computer’s keychain cannot be used, so the sign-in cannot be kept. Choose “Continue without remembering”, or contact your administrator.',
		keychainLocked: 'The keychain is locked. Unlock it, then restart the app or sign in again.',
		dataErased:
			'The data of this account was removed from this computer at the wish of your organisation. Ask your administrator if you did not expect that.',
		leaseOver:
			'This computer had not heard from the server for as long as your organisation allows, so the account’s data was removed from it. Sign in to fetch it again.',
		managedByPolicy:
			'Your organisation has decided this for this computer, so it cannot be changed here. If it has to be, ask your administrator.',
		policyUnusable:
			'Something is wrong with your organisation’s settings on this computer, so no new server can be signed in to. Tell your administrator.',
		internal: 'Something went wrong in the app. Try again; if it goes on, restart the app.'
	}
};
