export type DeviceView = { id: string, firstSignedInAt: string, seenAt: string, isSignedIn: boolean, isThis: boolean, eraseAskedAt?: string, eraseToldAt?: string, };
