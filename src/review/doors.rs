//! Where the page is served: on this computer always, on the network where the practice wants that.

use super::key::{Keeper, Secret};
use crate::fault::Fault;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

/// A place where connections arrive, and who may come in there.
#[derive(Debug)]
pub struct Door {
    /// Listens already.
    pub listener: TcpListener,
    /// Who may come in.
    pub keeper: Arc<Keeper>,
    /// The name of this computer, where others on the network may ask for it by name.
    pub computer: Option<String>,
}

/// Doors for this computer alone: 127.0.0.1, and ::1 where it has one; and their port. `wanted` has to be free, `usual` is
/// taken if it is.
///
/// # Errors
/// The port that is wanted is taken, or there is none.
pub fn local(wanted: Option<u16>, usual: Option<u16>, keeper: &Arc<Keeper>) -> Result<(Vec<Door>, u16), Fault> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match wanted {
        Some(port) => bind(port).map_err(|error| {
            let what = format!("port {port} of this computer cannot be used ({error})");
            Fault::new(what, "name another with --port, or leave --port away")
        }),
        None => usual.map_or_else(|| bind(0), |port| bind(port).or_else(|_| bind(0))).map_err(|error| {
            let what = format!("no port of this computer can be used ({error})");
            Fault::new(what, "check what keeps programs from serving pages on 127.0.0.1")
        }),
    }?;
    let port = listener.local_addr().map_err(|error| unusable(&error))?.port();
    let door = |listener| Door { listener, keeper: keeper.clone(), computer: None };
    // A browser may take localhost for either.
    let sixth = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok().map(door);
    Ok(([door(listener)].into_iter().chain(sixth).collect(), port))
}

/// A door of the network at `address`, for those who know the passphrase.
///
/// # Errors
/// It is an address of this computer alone, has no port, or cannot be used.
pub fn network(address: SocketAddr, passphrase: Secret, token: &Secret) -> Result<Door, Fault> {
    if address.ip().to_canonical().is_loopback() {
        let what = format!("{} is this computer alone, where the page is in any case", address.ip());
        return Err(Fault::new(what, "leave --listen away, or name this computer's address in the network"));
    }
    if address.port() == 0 {
        return Err(Fault::new("--listen names no port", "write it after the address, as in 192.168.1.20:8020"));
    }
    let listener = TcpListener::bind(address).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrNotAvailable => "name an address that this computer has in the network, with --listen",
            ErrorKind::AddrInUse => "name another port with --listen",
            _ => "check address and port of --listen",
        };
        Fault::new(format!("{address} cannot be used ({error})"), advice)
    })?;
    let keeper = Arc::new(Keeper::passphrase(passphrase, token));
    Ok(Door { listener, keeper, computer: gethostname::gethostname().into_string().ok() })
}

/// The address of the day's page at a door of the network.
pub fn address(of: SocketAddr, computer: Option<&str>) -> String {
    match (of.ip(), computer) {
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED), Some(computer)) => {
            format!("http://{computer}:{}/", of.port())
        }
        _ => format!("http://{of}/"),
    }
}

fn unusable(error: &std::io::Error) -> Fault {
    Fault::new(format!("the system does not say where the page is ({error})"), "start it again")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_port_that_is_wanted_counts_and_one_that_is_usual_is_only_tried() {
        let token = Secret::random().unwrap();
        let keeper = Arc::new(Keeper::token(&token));
        let (doors, port) = local(None, None, &keeper).unwrap();
        assert!(doors.iter().all(|door| door.listener.local_addr().unwrap().ip().is_loopback()));
        assert!(doors.iter().all(|door| door.listener.local_addr().unwrap().port() == port));
        assert!(local(Some(port), None, &keeper).unwrap_err().what().contains(&port.to_string()));
        let (_others, other) = local(None, Some(port), &keeper).unwrap();
        assert_ne!(other, port);
        drop(doors);
        assert_eq!(local(None, Some(port), &keeper).unwrap().1, port);
    }

    #[test]
    fn the_network_is_no_loopback_and_has_a_port() {
        let token = Secret::random().unwrap();
        let refused = |address: &str| network(address.parse().unwrap(), token.clone(), &token).unwrap_err();
        for address in ["127.0.0.1:8020", "127.9.9.9:8020", "[::1]:8020", "[::ffff:127.0.0.1]:8020"] {
            assert!(refused(address).what().contains("this computer alone"), "{address}");
        }
        assert!(refused("192.168.1.20:0").what().contains("no port"));
        // An address for examples, which no computer has.
        assert!(refused("192.0.2.1:8020").advice().contains("--listen"));
        assert_eq!(address("0.0.0.0:8020".parse().unwrap(), Some("front-desk")), "http://front-desk:8020/");
        assert_eq!(address("192.168.1.20:8020".parse().unwrap(), Some("desk")), "http://192.168.1.20:8020/");
    }
}
