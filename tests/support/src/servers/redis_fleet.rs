//! Several servers of Redis: a primary with a replica and sentinels, and a cluster.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::redis::{Engine, RedisServer};
use super::{Failure, Process, free_port, until};

/// A primary, a replica, and three sentinels that watch them.
pub struct Sentinels {
    pub servers: [RedisServer; 2],
    sentinels: Vec<(Process, u16)>,
    _folder: TempDir,
}

impl Sentinels {
    pub async fn start() -> Result<Self, Failure> {
        let primary = RedisServer::start(Engine::Redis70, &["--repl-diskless-sync-delay", "0"]).await?;
        let port = primary.port.to_string();
        let replica = RedisServer::start(Engine::Redis70, &["--replicaof", "127.0.0.1", &port]).await?;
        let folder = tempfile::Builder::new().prefix("oauth-state-sentinel-").tempdir()?;
        let mut sentinels = Vec::new();
        for number in 0..3 {
            let own = free_port()?;
            let path = folder.path().join(format!("{number}.conf"));
            let configuration = format!(
                "port {own}\nbind 127.0.0.1\ndir {}\nsentinel monitor mymaster 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n",
                folder.path().display()
            );
            std::fs::write(&path, configuration)?;
            let arguments = [path.display().to_string()];
            let log = folder.path().join("log");
            sentinels.push((Process::start(Path::new("redis-sentinel"), &arguments, None, &log)?, own));
        }
        let fleet = Self { servers: [primary, replica], sentinels, _folder: folder };
        until("a replica that is in step", || async {
            let information: String = fleet.servers[0].run("INFO replication").await?;
            Ok(information.contains("state=online"))
        })
        .await?;
        until("sentinels that know each other and the replica", || async {
            for (_, port) in &fleet.sentinels {
                let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
                let mut connection = client.get_multiplexed_async_connection().await?;
                let information: String = redis::cmd("INFO").arg("sentinel").query_async(&mut connection).await?;
                if !information.contains("slaves=1,sentinels=3") {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
        Ok(fleet)
    }

    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/mymaster", hosts.join(","))
    }
}

/// Three primaries with a replica each.
pub struct Cluster {
    pub servers: Vec<RedisServer>,
}

impl Cluster {
    /// A cluster that serves no slot while one has no primary, which is the default, or one that serves the others.
    pub async fn start(full_coverage: bool) -> Result<Self, Failure> {
        let mut servers = Vec::new();
        for _ in 0..6 {
            // The cluster bus uses the port plus 10,000.
            let port = loop {
                let port = free_port()?;
                if port < 55_000 && std::net::TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
                    break port;
                }
            };
            let arguments = [
                "--cluster-enabled",
                "yes",
                "--cluster-config-file",
                "nodes.conf",
                "--cluster-node-timeout",
                "2000",
                "--repl-diskless-sync-delay",
                "0",
                "--cluster-require-full-coverage",
                if full_coverage { "yes" } else { "no" },
            ];
            servers.push(RedisServer::start_with(Engine::Redis70, port, &arguments, None).await?);
        }
        let addresses: Vec<_> = servers.iter().map(RedisServer::address).collect();
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .stdin(Stdio::null())
            .output()?;
        if !made.status.success() {
            return Err(format!("redis-cli --cluster create: {}", String::from_utf8_lossy(&made.stdout)).into());
        }
        let cluster = Self { servers };
        until("a cluster that is whole", || async {
            for server in &cluster.servers {
                let information: String = server.run("CLUSTER INFO").await?;
                let nodes: String = server.run("CLUSTER NODES").await?;
                if !information.contains("cluster_state:ok") || nodes.matches("slave").count() != 3 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
        until("replicas that are in step", || async {
            let mut online = 0;
            for server in &cluster.servers {
                let information: String = server.run("INFO replication").await?;
                online += information.matches("state=online").count();
            }
            Ok(online == 3)
        })
        .await?;
        Ok(cluster)
    }

    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.servers.iter().map(RedisServer::address).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The ports of the primaries, by slot, as a living node knows them.
    pub async fn primaries(&self) -> Result<Vec<(RangeInclusive<u16>, u16)>, Failure> {
        let mut found = Vec::new();
        let nodes: String = self.servers[0].run("CLUSTER NODES").await?;
        // <id> <host:port@bus> <flags> <primary> <ping> <pong> <epoch> <link> <slots>…
        for node in nodes.lines().map(|line| line.split(' ').collect::<Vec<_>>()) {
            let port = node[1].split([':', '@']).nth(1).ok_or("no port")?.parse()?;
            for slots in node.iter().skip(8).filter(|slots| !slots.starts_with('[')) {
                let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
                found.push((first.parse()?..=last.parse()?, port));
            }
        }
        Ok(found)
    }

    /// The id of the node with this port.
    pub async fn id_of(&self, port: u16) -> Result<String, Failure> {
        let nodes: String = self.servers[0].run("CLUSTER NODES").await?;
        let node = nodes.lines().find(|node| node.contains(&format!(":{port}@"))).ok_or("no such node")?;
        Ok(node.split(' ').next().unwrap_or_default().to_owned())
    }

    /// Waits until every slot has a primary that lives, whichever node was killed.
    pub async fn wait_until_whole_without(&self, dead: u16) -> Result<(), Failure> {
        until("a whole cluster", || async {
            for server in self.servers.iter().filter(|server| server.port != dead) {
                let nodes: String = server.run("CLUSTER NODES").await?;
                let lives = |node: &&str| {
                    node.contains("master") && !node.contains("fail") && !node.contains(&format!(":{dead}@"))
                };
                if nodes.lines().filter(lives).count() != 3 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    /// One of its primaries.
    pub async fn a_primary(&mut self) -> Result<&mut RedisServer, Failure> {
        for number in 0..self.servers.len() {
            let role: String = self.servers[number].run("INFO replication").await?;
            if role.contains("role:master") {
                return Ok(&mut self.servers[number]);
            }
        }
        Err("the cluster has no primary".into())
    }
}
