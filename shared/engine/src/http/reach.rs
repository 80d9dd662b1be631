//! How far a request may reach: addresses that only this machine, its network or its cloud can see are no tool's
//! business unless it says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a request may be sent to. It is judged by the address that is connected to, not by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Those that anybody on the internet can see.
    Public,
    /// Also those of this machine and of private networks.
    Private,
    /// Any: the address was chosen by whoever runs the host.
    Anywhere,
}

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Internet,
    Private,
    /// Where clouds keep the credentials of their machines, and addresses that mean nothing to a client.
    Forbidden,
}

impl Reach {
    /// Whether a request may be sent to `address`.
    #[must_use]
    pub fn covers(self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Private => zone(address) != Zone::Forbidden,
            Self::Public => zone(address) == Zone::Internet,
        }
    }

    /// Why a request to `host` is refused, in words for whoever wrote its address.
    #[must_use]
    pub fn refusal(self, host: &str) -> String {
        match self {
            Self::Public => format!(
                "{host} is not a public address; where this machine or a private network is meant, `allow_private` stands \
                 beside `url`"
            ),
            Self::Private | Self::Anywhere => {
                format!("{host} is an address that no tool may reach")
            }
        }
    }
}

fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_4(address),
        IpAddr::V6(address) => zone_6(address),
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
fn zone_4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        // 0.0.0.0 is this machine to most systems.
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Zone::Private,
        // Behind a carrier's address translation.
        [100, 64..=127, ..] => Zone::Private,
        [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Zone::Forbidden
        }
        [198, 18 | 19, ..] | [224..=255, ..] => Zone::Forbidden,
        _ => Zone::Internet,
    }
}

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
fn zone_6(address: Ipv6Addr) -> Zone {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        zone_4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Zone::Private,
        // Mapped, compatible and translated addresses stand for the address within.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        [0x64, 0xff9b, 1, ..] => Zone::Private,
        // AWS answers there as it does at 169.254.169.254.
        [0xfd00, 0xec2, ..] => Zone::Forbidden,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Zone::Private,
        [0x2000..=0x3fff, ..] => match address.segments() {
            [0x2001, 0..=0x1ff | 0xdb8, ..] => Zone::Forbidden,
            _ => Zone::Internet,
        },
        _ => Zone::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn an_address_is_reached_by_what_it_stands_for_however_it_is_written() {
        let public = [
            "93.184.216.34",
            "100.128.0.1",
            "172.32.0.1",
            "2606:2800:220:1::1",
            "::ffff:93.184.216.34",
            "64:ff9b::5db8:d822",
        ];
        let private = [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "::",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:c0a8:101::",
        ];
        let forbidden = [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ];
        for (addresses, covered) in [
            (&public[..], [true, true, true]),
            (&private, [false, true, true]),
            (&forbidden, [false, false, true]),
        ] {
            for address in addresses {
                let reaches = [Reach::Public, Reach::Private, Reach::Anywhere];
                let found = reaches.map(|reach| reach.covers(address.parse().unwrap()));
                assert_eq!(found, covered, "{address}");
            }
        }
    }
}
