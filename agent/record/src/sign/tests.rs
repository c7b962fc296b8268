#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn seed(hex: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    hex::decode_to_slice(hex, &mut seed).unwrap();
    seed
}

#[test]
fn signs_as_rfc_8032_section_7_1() {
    let check = |secret: &str, public: &str, message: &str, signature: &str| {
        let signer = Ed25519Signer::from_seed(&seed(secret));
        assert_eq!(hex::encode(signer.public_key().to_bytes()), public);
        let message = hex::decode(message).unwrap();
        assert_eq!(hex::encode(signer.sign(&message).unwrap()), signature);
        assert!(signer.public_key().verifies(&message, &hex::decode(signature).unwrap()));
    };
    check(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
    check(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
}

#[test]
fn thumbprint_is_that_of_rfc_9679() {
    // Its example key is on P-256, so it also shows that the two curves share encoding and hash.
    let raw = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d\
               1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
    let key = PublicKey::from_bytes(Algorithm::Esp256, &hex::decode(raw).unwrap()).unwrap();
    let expected = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";
    assert_eq!(thumbprint(&key).to_string(), expected);
    assert_eq!(kid_of(&key).to_string(), expected[..16]);
    assert_eq!(hex::encode(key.to_bytes()), raw);
}

#[test]
fn signs_as_rfc_6979_appendix_a_2_5() {
    let signer =
        Esp256Signer::from_secret(&seed("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")).unwrap();
    let key = signer.public_key();
    let public = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                  7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    assert_eq!(hex::encode(key.to_bytes()), public);

    let low = "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
               019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";
    assert_eq!(hex::encode(signer.sign(b"test").unwrap()), low);
    assert!(key.verifies(b"test", &hex::decode(low).unwrap()));

    // The published one has its s in the upper half: a right signature, and not the one spelling that counts.
    let high = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    let high = hex::decode(high).unwrap();
    let signed = signer.sign(b"sample").unwrap();
    assert_eq!(low_s(&high).unwrap().to_vec(), signed);
    assert_eq!(low_s(&signed).unwrap().to_vec(), signed);
    assert!(key.verifies(b"sample", &signed));
    assert!(!key.verifies(b"sample", &high));
}

#[test]
fn p256_keys_and_signatures_that_prove_nothing_are_refused() {
    let signer = Esp256Signer::generate().unwrap();
    let key = signer.public_key();
    let raw = key.to_bytes();
    let mut off = raw.clone();
    off[63] ^= 1;
    let compressed = [&[2][..], &raw[..32]].concat();
    let tagged = [&[4][..], &raw].concat();
    for bytes in [&off[..], &raw[..63], &compressed, &tagged, &[0; 64], &[0xff; 64], &[]] {
        assert!(PublicKey::from_bytes(Algorithm::Esp256, bytes).is_err(), "{}", hex::encode(bytes));
    }

    let good = signer.sign(b"m").unwrap();
    assert!(key.verifies(b"m", &good) && !key.verifies(b"n", &good));
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let zero = [0; 32];
    let (r, s) = good.split_at(32);
    for bytes in [
        [&zero[..], s].concat(),
        [r, &zero[..]].concat(),
        [&zero[..], &zero[..]].concat(),
        [&order[..], s].concat(),
        [r, &order[..]].concat(),
        [r, s, &[0]].concat(),
        [r, &s[..31]].concat(),
        Vec::new(),
    ] {
        assert!(!key.verifies(b"m", &bytes), "{}", hex::encode(bytes));
    }
    assert!(Esp256Signer::from_secret(&[0; 32]).is_none());
    assert!(Esp256Signer::from_secret(&[0xff; 32]).is_none());
}

#[test]
fn every_kind_of_key_travels_as_pem_and_keeps_its_kind() {
    for &algorithm in Algorithm::ALL {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let read = SoftwareKey::from_pkcs8_pem(&pem).unwrap();
        assert_eq!((read.algorithm(), read.kid()), (algorithm, key.kid()));
        assert_eq!(key.kid(), kid_of(&key.public_key()));
        let signature = read.sign(b"m").unwrap();
        assert_eq!(signature.len(), algorithm.signature_bytes());
        assert_eq!(signature, key.sign(b"m").unwrap(), "{algorithm} draws randomness");
        let raw = key.public_key().to_bytes();
        assert_eq!(raw.len(), algorithm.public_bytes());
        let public = PublicKey::from_bytes(algorithm, &raw).unwrap();
        assert!(public == key.public_key() && public.verifies(b"m", &signature));
        assert_eq!(Algorithm::from_cose(algorithm.cose()), Some(algorithm));
        assert!(!format!("{key:?}").contains(pem.lines().nth(1).unwrap()));
    }
    let failure = SoftwareKey::from_pkcs8_pem("no key").unwrap_err().to_string();
    assert!(failure.contains("Ed25519, ESP256"), "{failure}");
}

#[test]
fn sm3_is_that_of_gb_t_32905() {
    use sm3::{Digest as _, Sm3};
    let check = |message: &[u8], digest: &str| assert_eq!(hex::encode(Sm3::digest(message)), digest);
    check(b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    check(&b"abcd".repeat(16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}

#[cfg(feature = "gm")]
#[test]
fn sm2_is_that_of_gb_t_32918() {
    let secret = seed("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
    let signer = Sm2Signer::from_secret(&secret).unwrap();
    let key = signer.public_key();
    let public = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                  ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    assert_eq!(hex::encode(key.to_bytes()), public);
    // Part 5, annex A.2: the message and the identity of the standard, and its k, which we would not draw.
    let signature = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
                     b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    let signature = hex::decode(signature).unwrap();
    assert!(key.verifies(b"message digest", &signature));
    assert!(!key.verifies(b"message digest.", &signature));
    let own = signer.sign(b"message digest").unwrap();
    assert!(key.verifies(b"message digest", &own));
    for at in [0, 31, 32, 63] {
        let mut bent = own.clone();
        bent[at] ^= 1;
        assert!(!key.verifies(b"message digest", &bent));
    }
    assert!(!key.verifies(b"message digest", &[0; 64]));
    assert!(!key.verifies(b"message digest", &own[..63]));
    assert!(PublicKey::from_bytes(Algorithm::Sm2, &[1; 64]).is_err());
    // The same point numbers on another curve are another key.
    assert!(PublicKey::from_bytes(Algorithm::Esp256, &key.to_bytes()).is_err());
}

#[cfg(not(feature = "gm"))]
#[test]
fn a_build_without_sm2_does_not_know_its_number() {
    assert_eq!(Algorithm::from_cose(-70002), None);
}

#[test]
fn private_keys_travel_as_pkcs8_pem() {
    // RFC 8410 §10.3, the private key without its public half.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
               -----END PRIVATE KEY-----\n";
    let signer = Ed25519Signer::from_pkcs8_pem(pem).unwrap();
    let public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    assert_eq!(hex::encode(signer.public_key().to_bytes()), public);
    assert_eq!(*signer.to_pkcs8_pem().unwrap(), pem);
    assert!(matches!(Ed25519Signer::from_pkcs8_pem("no key"), Err(SignError::Pem(_))));
}

#[test]
fn keys_and_signatures_that_prove_nothing_are_refused() {
    // The identity and a point of order eight: any message verifies under such a key.
    for weak in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ] {
        assert!(PublicKey::from_bytes(Algorithm::Ed25519, &seed(weak)).is_err(), "{weak}");
    }
    assert!(PublicKey::from_bytes(Algorithm::Ed25519, &[0; 31]).is_err());

    let signer = Ed25519Signer::generate().unwrap();
    let mut signature = signer.sign(b"m").unwrap();
    assert!(!signer.public_key().verifies(b"n", &signature));
    assert!(!signer.public_key().verifies(b"m", &signature[..63]));
    // s + L is the same scalar in another spelling (RFC 8032 §5.1.7 asks for s < L).
    let order = seed("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0_u16;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert!(!signer.public_key().verifies(b"m", &signature));
}
