export type SecondFactorProof = { server: string, allowInsecure: boolean, username: string, password: string, otp?: string, };
