"""The settings of a workspace: one frozen tree, read from `fleetcast.toml`; a function gets its own branch."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fleetcast.domain.incidents import Kind, Severity
from fleetcast.domain.notices import Topic
from fleetcast.domain.reach import Reach
from fleetcast.settings.ready import ready

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Horizons = tuple[Annotated[int, Field(ge=1, le=52)], ...]  # weeks ahead

Key = Literal["region", "store_format", "cluster", "mover"]  # what segments may be keyed by

# TOML has no word for nothing: "none" means that the work is one.
Partition = Annotated[str | None, BeforeValidator(lambda key: None if key == "none" else key)]


class Branch(BaseModel):
    """A branch of the tree: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class WorkspaceSettings(Branch):
    """What the workspace is called, and the package its own code lives in."""

    name: Name
    package: Name


class StateSettings(Branch):
    """Where state lives, relative to the workspace."""

    root: str = ".fleetcast"


class MoverSettings(Branch):
    """Fast or slow: average weekly units per series over the trailing weeks, per store format, against the format's median."""

    weeks: int = Field(52, ge=8)
    band: Share = 0.15  # hysteresis: a product moves only when it is this share beyond the threshold


class SegmentSettings(Branch):
    """The keys of a segment in order; the baseline's are a subset; one key of the stores may partition the work."""

    keys: tuple[Key, ...] = ("region", "store_format", "mover")  # of region, store_format, cluster, mover
    baseline_keys: tuple[str, ...] = ("region", "store_format")
    partition: Partition = "region"
    mover: MoverSettings = MoverSettings()


class CalendarSettings(Branch):
    """When the fleet looks at a week: days after its end by which its data count as delivered."""

    ready_after_days: int = Field(2, ge=0, le=7)


class DemandSettings(Branch):
    """How deliveries and returns become demand."""

    absent: Literal["zero", "unknown"] = "zero"  # a week without a row, inside a series' active span
    returns_weeks: int = Field(3, ge=0, le=12)  # weeks after its own until a week's returns are final
    active_weeks: int = Field(26, ge=1)  # a series is active when delivered within these trailing weeks
    first_week: str | None = None  # ISO date of a Monday; earlier weeks are not conditioned


class ColumnSettings(Branch):
    """One column of a raw file: its type, and its name in the file where that differs."""

    type: Literal["text", "integer", "number", "date", "datetime", "boolean"]
    name: str | None = None  # header in the file
    optional: bool = False  # an empty field is allowed
    format: str | None = None  # strftime format of a date or datetime
    start: int | None = Field(None, ge=1)  # fixed width: first character, from 1
    width: int | None = Field(None, ge=1)
    minimum: float | None = None
    maximum: float | None = None


class PageSettings(Branch):
    """How an answer over HTTP goes on: where the address, or the number, of its next page is."""

    by: Literal[
        "link", "field", "number"
    ]  # the header Link, a field of the JSON answer, a parameter that counts
    name: str | None = None  # of the field, as "meta.next"; of the parameter, as "page"
    first: int = 1  # by number: the first page's
    most: int = Field(1000, ge=1)  # pages of one answer; more are taken for a circle


class HolidaySettings(Branch):
    """Public holidays of countries and their subdivisions, as the library `holidays` works them out."""

    places: dict[str, str]  # region, or "all", to a code of ISO 3166: { north-texas = "US-TX" }
    first_year: int = Field(2017, ge=1900, le=2100)
    years_ahead: int = Field(1, ge=0, le=10)  # years after this one


class WeatherSettings(Branch):
    """Daily weather of postal codes, as an API like Open-Meteo's tells it."""

    kind: Literal["observed", "forecast"]
    places: str  # CSV file of postal_code, latitude and longitude, relative to the workspace
    first_day: str = "2017-01-01"  # observed: ISO date
    lag_days: int = Field(5, ge=1)  # observed: until a day's weather is there
    again_days: int = Field(14, ge=0)  # observed: asked once more, for corrections
    ahead_days: int = Field(16, ge=1, le=35)  # forecast


class PullSettings(Branch):
    """Where a source is pulled from, and how often. Addresses are these, and never come from data.

    In `url`, `headers` and `options`, {env:NAME} stands for an environment variable: secrets are written nowhere else.
    """

    url: str | None = None  # http(s)://…; or s3://, az://, gs://, file:/// with a pattern of names, as *.csv
    every: Literal["run", "hour", "day", "week"] = "day"  # once in each, by the source's timezone
    headers: dict[str, str] = {}
    pages: PageSettings | None = None
    options: dict[str, str] = {}  # of an object store, as endpoint, region
    watermark: str | None = None  # sql: the column of which only greater values than the last are asked for
    megabytes: int = Field(1024, ge=1)  # of one answer, unpacked, at most
    holidays: HolidaySettings | None = None
    weather: WeatherSettings | None = None


class SourceSettings(Branch):
    """One raw source, declared whole: nothing about a file is guessed."""

    path: str = (
        ""  # glob, relative to the workspace or to `FLEETCAST_DATA`; {data} is replaced by that folder
    )
    format: Literal["csv", "excel", "json", "jsonl", "fixed_width", "parquet", "sql", "xml"]
    conditioner: Name | None = None  # src/<package>/conditioners/<conditioner>.py
    table: str | None = None  # instead of a conditioner: the table whose rows the files hold as they stand
    columns: dict[str, ColumnSettings]
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    true: str = "1"
    false: str = "0"
    sheet: str | None = None
    rows: str | None = (
        None  # json: the field that holds the rows, as "data.items"; xml: their elements, as "Sales/Sale"
    )
    query: str | None = None  # sql: one SELECT; `path` is then the database's URL or file
    timezone: str = "UTC"
    anchor: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    publication_lag_days: int = Field(1, ge=0)  # days after a week's end until its rows are published
    known_at: Literal["lag", "column", "file_name"] = "lag"
    known_at_column: str | None = None  # of `columns`, when known_at = "column"
    known_at_pattern: str | None = (
        None  # regular expression with one group holding YYYYMMDD, when known_at = "file_name"
    )
    required: bool = True  # no file at all is an error
    obtain: str | None = None  # how to get the files, told to whoever has none
    pull: PullSettings | None = None  # without it, files lie where `path` says
    due_days: int | None = Field(
        None, ge=0
    )  # after a week's end, by when its rows must be there; None: no deadline
    if_late: Literal["proceed", "wait"] = (
        "proceed"  # late: the cycle goes on with what is known, or waits (exit code 3)
    )

    @model_validator(mode="before")
    @classmethod
    def _ready(cls, written: Any) -> Any:
        """A ready-made source needs no more than what it is asked for."""
        return ready(written)


class CovariateSettings(Branch):
    """A free covariate table and what its columns are."""

    keys: tuple[Literal["week", "store", "region", "product"], ...]
    columns: dict[str, Literal["static", "past", "known_future"]]
    texts: tuple[str, ...] = ()
    log: tuple[str, ...] = ()  # columns that act by ratios, as prices do: their logarithm is the feature
    relative: tuple[str, ...] = ()  # columns also compared with the other products of the store's category
    cross: tuple[str, ...] = ()  # columns of which every product's value is a feature of every product


class FeatureSettings(Branch):
    """Which features are made; lags and windows count in weeks back from the origin."""

    lags: tuple[int, ...] = (0, 1, 2, 3)
    windows: tuple[int, ...] = (4, 8, 13, 26, 52)
    seasonal_lags: tuple[int, ...] = (52,)
    harmonics: int = Field(3, ge=0, le=12)
    interactions: bool = True  # known-future covariates × product: a slope of its own for each product
    weather: bool = True
    events: bool = True
    own: tuple[Name, ...] = ()  # of the workspace: src/<package>/features/<name>.py


class TrainingSettings(Branch):
    """How models are trained."""

    recipe: str = "weekly"  # or "weekly-pooled", "long-term", "own:<name>", or that of an installed package
    rounds: int = Field(8, ge=4)
    horizons: Horizons = (1, 2, 3, 4)
    window_weeks: int | None = Field(None, ge=52)  # None: all history
    seed: int = 20170102
    features: FeatureSettings = FeatureSettings()
    passes: int = Field(2, ge=1, le=50)  # weighted passes of the MAPE-loss LASSO
    net_epochs: int = Field(8, ge=1)  # at most: a segment of many weeks has fewer, see net_visits
    net_visits: int = Field(24_576, ge=1)  # examples a net is shown in a fit from the beginning, at most
    net_warm_epochs: int = Field(1, ge=1)
    net_members: int = Field(1, ge=0)
    net_engine: Literal["cpu", "jax"] = "cpu"  # what trains nets; jax compiles longer, and can use a GPU
    pool_net_members: int = Field(2, ge=0)  # of the recipe weekly-pooled
    donors: dict[
        str, str
    ] = {}  # young segment → whose model it starts from, where the fleet's choice is not wanted


class LongTermSettings(Branch):
    """Forecasts beyond the horizons of training, to a year ahead, by the recipe long-term; without horizons there are none."""

    horizons: Horizons = ()  # weeks ahead, as [13, 26, 39, 52]
    rounds: int = Field(8, ge=4)


class GateSettings(Branch):
    """When a challenger may become champion; fractions."""

    mape: float = Field(0.45, gt=0)
    mape_by: dict[str, float] = {}  # by mover class, e.g. {slow = 0.5}
    skill: float = 0.0
    bias: float = Field(0.15, gt=0)
    noninferiority: float = 0.01
    minimum_rounds: int = Field(4, ge=1)
    quorum: Share = 0.9


class ShadowSettings(Branch):
    """When a challenger that was a shadow beside the champion may follow it; fractions, over the weeks that are known."""

    noninferiority: float = 0.01  # by which MAPE may be higher, over the whole 90 % interval
    cost: float = 0.01  # by which money lost on orders may be more, as a share of the champion's
    minimum_weeks: int = Field(4, ge=2)  # of known demand; of fewer nothing is concluded
    coverage: Share = 0.95  # of published rows that it forecast too, and of those whose demand is known
    worse_segments: Share = 0.1  # that may be worse by more than a margin


class RetrainingSettings(Branch):
    """When segments are retrained, and when a scoring run counts as stale."""

    every_weeks: int = Field(1, ge=1)
    stale_days: int = Field(60, ge=1)
    stale_warning_days: int = Field(46, ge=1)
    alarm_cooldown_weeks: int = Field(4, ge=1)  # until an alarm may have the same model retrained again
    alarm_share: Share = 0.25  # of all models, that alarms may have retrained in one week


class MonitoringSettings(Branch):
    """When errors count as grown and data as drifted, and when many alarms are one incident."""

    false_alarms: float = Field(
        0.2, gt=0
    )  # that open in a week, over the whole fleet, while nothing is wrong
    reference_weeks: int = Field(
        52, ge=8, le=104
    )  # a segment's own errors that its newest ones are held against
    fewest_reference_weeks: int = Field(8, ge=4)  # with fewer there is no decision
    watched_weeks: int = Field(8, ge=3, le=26)  # the newest weeks, which are in no reference
    drift_weeks: int = Field(4, ge=1)  # the newest weeks of data that are held against earlier ones
    false_discoveries: Share = 0.1  # of all drifts that are reported, the share that may be none
    common_share: Share = 0.3  # of the segments decided on: more in alarm at once are one incident
    flaps: int = Field(3, ge=2)  # openings of one alarm that turn automatic actions off
    flapping_weeks: int = Field(13, ge=2)  # within which they are counted


class FailoverSettings(Branch):
    """When a champion that failed is trusted again, and when failover itself stops because much of the fleet would fail over."""

    good_cycles: int = Field(
        2, ge=1
    )  # cycles in a row that a champion which failed must be good until it serves again; 1: at once
    on_alarm: bool = False  # whether a champion whose errors are in alarm gives way too
    hold_share: Share = 0.3  # of the champions: more that fail over in one cycle are held instead
    hold_fewest: int = Field(3, ge=1)  # champions below which nothing is held, however small the fleet


class OrderSettings(Branch):
    """How forecasts become order quantities."""

    enabled: bool = True


class ExecutionSettings(Branch):
    """Where tasks run, and what one may take; a task trains, scores or backtests a partition. Nothing here changes a number."""

    engine: Literal["serial", "processes", "ray"] = "processes"
    workers: int = Field(
        0, ge=0
    )  # tasks at once; 0: one per core, and on a cluster as many as it has room for
    retries: int = Field(
        1, ge=0
    )  # of a task whose worker was lost, hung or ran out of memory, not of one that fails
    time_limit_seconds: float = Field(0, ge=0)  # of a task, from when a worker begins with it; 0: none
    memory_limit_mb: int = Field(
        0, ge=0
    )  # of a task; over it, it is tried alone with the memory of all; 0: none
    address: str = "local"  # of the cluster: local, auto (this machine is a node of it), HOST:PORT, env:NAME
    cpus_per_task: float = Field(1, gt=0)  # on a cluster, that a node must have free
    gpus_per_task: float = Field(0, ge=0)  # the same; more than 0 places tasks on nodes with GPUs
    wait_seconds: float = Field(
        600, gt=0
    )  # for a first worker: a cluster scaled to zero starts nodes meanwhile
    publish_within_days: int = Field(
        0, ge=0, le=14
    )  # after a week's end, by when its forecasts must be out; a run that will be late says so; 0: no deadline
    price_per_cpu_hour: float = Field(
        0, ge=0
    )  # money, in whatever currency; with it costs are told in money too


class ChannelSettings(Branch):
    """Where people are told, and of what; a log has no address, and every other address is a secret."""

    kind: Literal["log", "webhook", "email", "slack"]
    address: str = ""  # env:NAME of the variable that holds it: https://…, for e-mail smtp://… or smtps://…
    sender: str = ""  # e-mail: who it is from
    to: tuple[str, ...] = ()  # e-mail: who gets it
    about: tuple[Topic, ...] = ("incident", "release", "approval", "digest", "test")  # what is told there
    kinds: tuple[Kind, ...] = ()  # of incidents, as docs/guide/alerts.md lists them; none: all
    severity: Severity = "warning"  # of incidents, from which on


class AlertSettings(Branch):
    """Whom to tell what happens. Nothing here changes a number."""

    link: str = ""  # where the web face is, as https://fleet.example.com; empty: messages name commands alone
    seconds: float = Field(20, gt=0)  # that a cycle spends on telling, at most, whatever does not answer
    channels: dict[Name, ChannelSettings] = {
        "log": ChannelSettings(kind="log")
    }  # where none is written, a log is told everything


class WebhookSettings(Branch):
    """Who may say that a source has something new, at /hooks/<environment>/data/<source>. Nothing here changes a number."""

    secret: str  # env:NAME of the variable that holds it; what messages are signed with


class TelemetrySettings(Branch):
    """Where the trace of a cycle goes, and what is measured of segments one by one. Nothing here changes a number."""

    traces: Literal["file", "console", "otlp", "none"] = "file"  # file: traces.jsonl, beside the ledger
    endpoint: str = "http://localhost:4318/v1/traces"  # otlp: of the collector, over HTTP
    headers: dict[str, str] = {}  # otlp: sent along; "env:NAME" of the variable that holds the value
    timeout_seconds: float = Field(
        10, gt=0
    )  # otlp: until the trace is given up, and the run ends all the same
    segments: int = Field(200, ge=0)  # with metrics of their own; of more, those with the highest MAPE


class OidcGroupSettings(Branch):
    """What the people of a group may do, where a provider says who is in it."""

    group: str  # as the provider writes it in its claim: a name, or with Entra ID an object id
    role: Literal["viewer", "planner", "scientist", "engineer", "operator", "admin"]
    regions: tuple[str, ...] | None = None  # that they see; where none are written, all


class OidcSettings(Branch):
    """The provider of OpenID Connect that people sign in with. Whoever is in none of the groups is not let in."""

    name: str = "OpenID Connect"  # on the button: Sign in with …
    issuer: str  # address of the provider, exactly as it writes it itself: https://login.example.com/fleet
    client_id: str  # what the provider calls us
    client_secret: str | None = None  # env:NAME of the variable that holds it; none: a public client
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    claim: str = "groups"  # that says in which groups somebody is
    groups: tuple[
        OidcGroupSettings, ...
    ]  # of several the highest role holds, for the regions of all that have it
    seconds: float = Field(10, gt=0)  # that a sign-in waits for the provider, at most


class ServeSettings(Branch):
    """Where pages and the API listen, and what they bear. Nothing here changes a number."""

    host: str = "127.0.0.1"  # 0.0.0.0: from everywhere, which needs people who sign in, and TLS or a proxy
    port: int = Field(8000, ge=0, le=65535)  # 0: any that is free
    names: tuple[str, ...] = ()  # that it is reached by, as fleet.example.com; any other name is refused
    certificate: str | None = None  # TLS: PEM file of the certificate and its chain, from the workspace on
    key: str | None = None  # TLS: PEM file of its key
    proxies: tuple[str, ...] = ()  # addresses of the proxies in front of it that end TLS
    connections: int = Field(512, ge=8)  # at once; more are told to come again
    seconds: float = Field(15, gt=0)  # that a client may take to send a request, or not to read an answer
    body_kilobytes: int = Field(1024, ge=1)  # of a request, at most
    file_megabytes: int = Field(64, ge=1)  # of a file that is sent to be conditioned, at most
    file_seconds: float = Field(300, gt=0)  # that it may take to come
    passwords: bool = True  # whether people may sign in by a password of ours; false: only with the provider
    oidc: OidcSettings | None = None


class PeopleSettings(Branch):
    """Where accounts are kept, and for how long a sign-in holds. Nothing here changes a number."""

    database: str | None = (
        None  # URL of a PostgreSQL database of its own, or env:NAME; else a file by the state
    )
    session_hours: float = Field(12, gt=0)


class OrchestrationSettings(Branch):
    """How `fleetcast up` keeps an environment going. Nothing here changes a number."""

    scheduler: Literal["auto", "dagster", "own"] = "auto"  # auto: Dagster where it is installed, else our own
    hour: int = Field(6, ge=0, le=23)  # UTC, on the day a week is complete, at which it is run
    look_seconds: int = Field(60, ge=1)  # between two looks for files, data, stale models, alarms, artifacts
    artifacts: str = ""  # folder of the newest artifact, which is validated and promoted; empty: nobody looks
    port: int = Field(3070, ge=1024, le=65535)  # of Dagster's pages, on 127.0.0.1
    read_only: bool = True  # whether Dagster's pages start nothing: they have no sign-in
    storage: str = (
        ""  # of Dagster: URL of a PostgreSQL database, or env:NAME; else files with the other state
    )


class EnvironmentSettings(Branch):
    """One environment."""

    checkout: (
        bool  # whether it may run the code of a checkout; by default dev may, and prod runs only an artifact
    )
    ledger: str | None = None  # URL of a PostgreSQL database, or env:NAME; else a file with the other state


RUNS_A_CHECKOUT: dict[Literal["dev", "prod"], bool] = {"dev": True, "prod": False}


def _both(written: object) -> object:
    """Both environments are there, whichever are written, with what is not written as it is by default."""
    if not isinstance(written, dict) or not all(isinstance(branch, dict) for branch in written.values()):
        return written
    defaults = {name: {"checkout": runs} for name, runs in RUNS_A_CHECKOUT.items()}
    return {
        name: {"checkout": False, **defaults.get(name, {}), **written.get(name, {})}
        for name in defaults | written
    }


Environments = Annotated[dict[Literal["dev", "prod"], EnvironmentSettings], BeforeValidator(_both)]


class Settings(Branch):
    """All of `fleetcast.toml`."""

    schema_: Literal[1] = Field(alias="schema")
    workspace: WorkspaceSettings
    state: StateSettings = StateSettings()
    segments: SegmentSettings = SegmentSettings()
    calendar: CalendarSettings = CalendarSettings()
    demand: DemandSettings = DemandSettings()
    sources: dict[Name, SourceSettings] = {}
    covariates: dict[Name, CovariateSettings] = {}
    training: TrainingSettings = TrainingSettings()
    long_term: LongTermSettings = LongTermSettings()
    gate: GateSettings = GateSettings()
    shadow: ShadowSettings = ShadowSettings()
    retraining: RetrainingSettings = RetrainingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    failover: FailoverSettings = FailoverSettings()
    orders: OrderSettings = OrderSettings()
    execution: ExecutionSettings = ExecutionSettings()
    alerts: AlertSettings = AlertSettings()
    webhooks: dict[Name, WebhookSettings] = {}  # by source
    telemetry: TelemetrySettings = TelemetrySettings()
    serve: ServeSettings = ServeSettings()
    people: PeopleSettings = PeopleSettings()
    orchestration: OrchestrationSettings = OrchestrationSettings()
    environments: Environments = Field(
        default_factory=lambda: {
            name: EnvironmentSettings(checkout=runs) for name, runs in RUNS_A_CHECKOUT.items()
        }
    )

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """How far ahead the fleet forecasts."""
        return ("short-term", "long-term") if self.long_term.horizons else ("short-term",)

    @property
    def horizons(self) -> Horizons:
        """All weeks ahead that the fleet forecasts."""
        return (*self.training.horizons, *self.long_term.horizons)

    def reaching(self, reach: Reach) -> Self:
        """The settings as the models of a reach see them: `training` is theirs."""
        if reach == "short-term":
            return self
        own = {
            "recipe": "long-term",
            "horizons": self.long_term.horizons,
            "rounds": self.long_term.rounds,
            "net_members": 0,
            "donors": {},
        }
        return self.model_copy(update={"training": self.training.model_copy(update=own)})
