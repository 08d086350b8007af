"""Ports, folders and databases of the servers: from the environment, each name with the prefix `RATOON_`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..spec.errors import BadInput

_NO_NAME = ("0.0.0.0", "::", "localhost", "127.0.0.1", "::1")  # noqa: S104 - what a server listens on is no name of it


class Settings(BaseSettings):
    """What `ratoon up` starts, and where; every field can be set as `RATOON_` and its name in capitals.

    A relative *home* lies below the project's folder, and is made absolute by `settle`.
    """

    model_config = SettingsConfigDict(env_prefix="RATOON_", extra="ignore")

    host: str = Field("127.0.0.1", min_length=1, description="Address on which every server listens")
    home: Path = Field(Path(".ratoon"), description="Folder of logs, embedded databases, artifacts and secrets")
    prefect_port: int = Field(4200, ge=1, le=65535, description="Port of Prefect's server and UI")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Port of MLflow's server and UI")
    evidently_port: int = Field(8000, ge=1, le=65535, description="Port of Evidently's UI")
    hooks_port: int = Field(8090, ge=1, le=65535, description="Port that receives MLflow's webhooks")
    pool: str = Field("ratoon", pattern=r"^[^/%&<>]+$", description="Prefect's work pool, without / % & < >")
    database_url: SecretStr | None = Field(
        None, description="postgresql://…: each server and the ledger get a database of their own; left out: SQLite"
    )

    grace: float = Field(
        120.0, ge=0, description="Seconds that running flows get to end in when `ratoon up` is asked to stop"
    )
    allowed_hosts: str = Field(
        "",
        pattern=r"^\s*([A-Za-z0-9.:_-]+\s*(,\s*[A-Za-z0-9.:_-]+\s*)*)?$",
        description="Names, with commas between, under which browsers elsewhere reach the servers; without ports",
    )
    mlflow_app: str | None = Field(
        None, description="MLflow's server plugin, such as basic-auth; left out: the open server"
    )

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, home: object) -> object:
        """Empty is not set, as for every other command: else the project's folder itself would be the home."""
        return ".ratoon" if home == "" else home

    @classmethod
    def settle(cls, project: Path) -> Settings:
        """The settings for *project*; BadInput, naming variable and value, for one that cannot be used."""
        try:
            settings = cls()
        except ValidationError as error:
            wrong = error.errors()[0]
            name = f"RATOON_{str(wrong['loc'][0]).upper()}"
            shown = "" if name == "RATOON_DATABASE_URL" else f" is {wrong['input']!r}, which"
            raise BadInput(
                f"${name}{shown} cannot be used: {wrong['msg']}. Nothing was started. Set another value."
            ) from None
        return settings.model_copy(update={"home": (project / settings.home).resolve()})

    @property
    def names(self) -> tuple[str, ...]:
        """Under which the servers are reached, beside this machine's own: *host*, and those of *allowed_hosts*."""
        listed = [each.strip().lower() for each in self.allowed_hosts.split(",")]
        return tuple(dict.fromkeys(each for each in (self.host.lower(), *listed) if each and each not in _NO_NAME))

    @property
    def ports(self) -> dict[str, tuple[int, str]]:
        """By server: its port, and the variable that sets it."""
        return {
            "Prefect": (self.prefect_port, "RATOON_PREFECT_PORT"),
            "MLflow": (self.mlflow_port, "RATOON_MLFLOW_PORT"),
            "Evidently": (self.evidently_port, "RATOON_EVIDENTLY_PORT"),
            "webhooks": (self.hooks_port, "RATOON_HOOKS_PORT"),
        }

    @property
    def prefect_url(self) -> str:
        """Address of Prefect's UI; its API is below `/api`."""
        return f"http://{self.host}:{self.prefect_port}"

    @property
    def mlflow_url(self) -> str:
        """MLflow's tracking URI and UI."""
        return f"http://{self.host}:{self.mlflow_port}"

    @property
    def evidently_url(self) -> str:
        """Address of Evidently's UI."""
        return f"http://{self.host}:{self.evidently_port}"

    @property
    def hooks_url(self) -> str:
        """Address that MLflow's webhooks are sent to."""
        return f"http://{self.host}:{self.hooks_port}/mlflow"
