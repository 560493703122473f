//! An API server in memory, for tests of the controller without a cluster, in paused time: it stores merge patches and JSON
//! patches under optimistic locking as the real one does, serves lists and watches, logs every request, and fails where a test
//! says so. It validates nothing and owns no fields.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::sleep,
};

/// How long a watch lasts, as the controller asks for it.
const WATCH: Duration = Duration::from_secs(50);
/// When it says how far it has come.
const BOOKMARK_AFTER: Duration = Duration::from_secs(48);

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What the server makes of it.
    Real,
    /// It is refused: code, reason, message.
    Refuse(u16, &'static str, String),
    /// There is no answer.
    Never,
    /// It is done and answered after 5 s.
    Late,
    /// It is done at once and answered after 4 s.
    AnsweredLate,
    /// It is stored, and `spec.maxReplicas` is at most this.
    AtMost(i64),
}

type AnswerBody = UnsyncBoxBody<Bytes, std::io::Error>;
type Rule = Box<dyn Fn(&str) -> Answer + Send>;

/// The server.
pub struct FakeApi {
    inner: Mutex<Inner>,
}

struct Inner {
    /// By path.
    objects: BTreeMap<String, Value>,
    version: u64,
    requests: Vec<String>,
    rule: Rule,
    /// Version, path and event of every change.
    history: Vec<(u64, String, Value)>,
    watches: Vec<(String, UnboundedSender<Bytes>)>,
}

impl FakeApi {
    /// A server, and a client of it.
    pub fn start() -> (Arc<Self>, Client) {
        let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<AnswerBody>>();
        let inner = Inner { version: 100, ..Inner::empty() };
        let api = Arc::new(Self { inner: Mutex::new(inner) });
        let server = api.clone();
        tokio::spawn(async move {
            while let Some((request, reply)) = handle.next_request().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect_bytes().await.unwrap();
                    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
                    let rule = (server.inner().rule)(&format!("{} {path}", parts.method));
                    if matches!(rule, Answer::Late) {
                        sleep(Duration::from_secs(5)).await;
                    }
                    let made = server.answer(&parts.method, path, query, &body);
                    if matches!(rule, Answer::AnsweredLate) {
                        sleep(Duration::from_secs(4)).await;
                    }
                    let (code, body) = match made {
                        Some(Served::Object(code, answer)) => (code, whole(answer.to_string().into())),
                        Some(Served::Watch(body)) => (200, body),
                        None => std::future::pending().await,
                    };
                    reply.send_response(Response::builder().status(code).body(body).unwrap());
                });
            }
        });
        (api, Client::new(service, "default"))
    }

    /// Says what becomes of requests, given as `METHOD path`.
    pub fn rule(&self, rule: impl Fn(&str) -> Answer + Send + 'static) {
        self.inner().rule = Box::new(rule);
    }

    /// Stores an object as somebody else does; as it is then.
    pub fn put(&self, path: &str, object: Value) -> Value {
        self.inner().store(path, object)
    }

    /// Removes an object.
    pub fn remove(&self, path: &str) {
        self.inner().remove(path).unwrap();
    }

    /// An object.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.inner().objects.get(path).cloned()
    }

    /// The requests since the last call, as `METHOD path`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().requests)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn answer(self: &Arc<Self>, method: &Method, path: &str, query: &str, body: &[u8]) -> Option<Served> {
        let mut inner = self.inner();
        let verb = if query.contains("watch=") { "WATCH" } else { method.as_str() };
        let line = format!("{verb} {path}");
        let rule = (inner.rule)(&line);
        inner.requests.push(line);
        let served = match (rule, verb) {
            (Answer::Never, _) => return None,
            (Answer::Refuse(code, reason, message), _) => (code, refusal(code, reason, &message)),
            (_, "WATCH") => {
                self.clone().bookmark_in_time(path);
                return Some(Served::Watch(inner.watch(path, query)));
            }
            (Answer::Real | Answer::Late | Answer::AnsweredLate, _) => inner.serve(method, path, body, None),
            (Answer::AtMost(most), _) => inner.serve(method, path, body, Some(most)),
        };
        Some(Served::Object(served.0, served.1))
    }
}

impl FakeApi {
    /// Shortly before a watch ends, it says how far it has come.
    fn bookmark_in_time(self: Arc<Self>, list: &str) {
        let list = list.to_owned();
        tokio::spawn(async move {
            sleep(BOOKMARK_AFTER).await;
            let mut inner = self.inner();
            let event =
                json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": inner.version.to_string()}}});
            inner.watches.retain(|(watched, watch)| *watched != list || watch.send(line(&event)).is_ok());
        });
    }
}

enum Served {
    Object(u16, Value),
    Watch(AnswerBody),
}

impl Inner {
    fn empty() -> Self {
        let rule: Rule = Box::new(|_| Answer::Real);
        let (objects, requests, history, watches) = Default::default();
        Self { objects, version: 0, requests, rule, history, watches }
    }

    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let known = self.objects.insert(path.into(), object.clone());
        self.note(path, if known.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        object
    }

    fn remove(&mut self, path: &str) -> Option<Value> {
        let mut object = self.objects.remove(path)?;
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.note(path, "DELETED", &object);
        Some(object)
    }

    fn note(&mut self, path: &str, type_: &str, object: &Value) {
        let event = json!({"type": type_, "object": object});
        self.watches.retain(|(list, watch)| !is_in(path, list) || watch.send(line(&event)).is_ok());
        self.history.push((self.version, path.into(), event));
    }

    fn watch(&mut self, path: &str, query: &str) -> AnswerBody {
        let from =
            query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).unwrap().parse::<u64>().unwrap();
        let (send, receive) = unbounded_channel();
        for (_, _, event) in self.history.iter().filter(|(at, object, _)| *at > from && is_in(object, path)) {
            send.send(line(event)).unwrap();
        }
        self.watches.push((path.into(), send));
        let events = stream::unfold(receive, |mut receive| async { Some((receive.recv().await?, receive)) });
        let frames = events.take_until(sleep(WATCH)).map(|bytes| Ok(Frame::data(bytes)));
        StreamBody::new(frames).boxed_unsync()
    }

    fn serve(&mut self, method: &Method, path: &str, body: &[u8], most: Option<i64>) -> (u16, Value) {
        let object = path.strip_suffix("/status").unwrap_or(path);
        match *method {
            Method::GET => match self.objects.get(path) {
                Some(found) => (200, found.clone()),
                None if path.ends_with('s') => (200, self.list(path)),
                None => not_found(),
            },
            Method::PATCH if path.contains("/events/") => (200, json!({})),
            Method::PATCH => self.merge(object, &serde_json::from_slice(body).unwrap(), most),
            Method::DELETE => self.remove(object).map_or_else(not_found, |gone| (200, gone)),
            Method::PUT => self.replace(path, serde_json::from_slice(body).unwrap()),
            _ => self.create(path, serde_json::from_slice(body).unwrap()),
        }
    }

    /// All objects of a kind; `path` without a namespace is all namespaces.
    fn list(&self, path: &str) -> Value {
        let items: Vec<_> = self.objects.iter().filter(|(at, _)| is_in(at, path)).map(|(_, object)| object).collect();
        json!({"metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// What has a name is stored; what is to get one, an event, is not.
    fn create(&mut self, list: &str, mut object: Value) -> (u16, Value) {
        let Some(name) = object["metadata"]["name"].as_str() else {
            object["metadata"]["name"] = "created".into();
            return (201, object);
        };
        let path = format!("{list}/{name}");
        if self.objects.contains_key(&path) {
            return (409, refusal(409, "AlreadyExists", "it exists"));
        }
        (201, self.store(&path, object))
    }

    fn replace(&mut self, path: &str, object: Value) -> (u16, Value) {
        let Some(stored) = self.objects.get(path) else { return not_found() };
        if stored["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
            return (409, refusal(409, "Conflict", "the object has been modified"));
        }
        (200, self.store(path, object))
    }

    fn merge(&mut self, path: &str, changes: &Value, most: Option<i64>) -> (u16, Value) {
        let Some(stored) = self.objects.get(path) else { return not_found() };
        for key in ["resourceVersion", "uid"] {
            let asked = changes["metadata"].get(key).filter(|asked| !asked.is_null());
            if asked.is_some_and(|asked| *asked != stored["metadata"][key]) {
                return (409, refusal(409, "Conflict", "the object has been modified"));
            }
        }
        let (before, mut object) = (stored.clone(), stored.clone());
        if changes.is_array() {
            let changes: json_patch::Patch = serde_json::from_value(changes.clone()).unwrap();
            if let Err(error) = json_patch::patch(&mut object, &changes) {
                return (422, refusal(422, "Invalid", &error.to_string()));
            }
        } else {
            json_patch::merge(&mut object, changes);
        }
        if let Some(most) = most.filter(|most| object["spec"]["maxReplicas"].as_i64().is_some_and(|max| max > *most)) {
            object["spec"]["maxReplicas"] = most.into();
        }
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        (200, if object == before { before } else { self.store(path, object) })
    }
}

/// Whether an object is in a list: of its namespace, or of all.
fn is_in(object: &str, list: &str) -> bool {
    let (start, plural) = list.rsplit_once('/').unwrap();
    object.starts_with(start) && object.contains(&format!("/{plural}/"))
}

fn whole(body: Bytes) -> AnswerBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn line(event: &Value) -> Bytes {
    format!("{event}\n").into()
}

fn not_found() -> (u16, Value) {
    (404, refusal(404, "NotFound", "not found"))
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}
