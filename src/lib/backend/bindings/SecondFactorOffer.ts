export type SecondFactorOffer = { secret: string, uri: string, qr: Array<string>, };
